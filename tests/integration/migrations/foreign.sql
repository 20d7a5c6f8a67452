-- What another application may have left: names of ours with everything that hangs on a table, and data.

CREATE TYPE level_kind AS ENUM ('support', 'resistance');

CREATE TABLE alembic_version (version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO alembic_version VALUES ('9f3c1a77be02');

CREATE TABLE events (
    id serial PRIMARY KEY,
    channel varchar(50) NOT NULL CHECK (channel <> ''),
    data json,
    created_at timestamp DEFAULT now(),
    CONSTRAINT events_channel_created_at_key UNIQUE (channel, created_at)
);
CREATE INDEX ix_events_channel_id ON events (channel, id);
CREATE INDEX ix_events_correlation_id ON events ((data ->> 'correlation_id'));
CREATE UNIQUE INDEX an_index_whose_name_is_already_as_long_as_postgresql_permits_ok ON events (id, channel);
CREATE UNIQUE INDEX än_index_whose_näme_in_bytes_is_as_long_as_postgresql_permits ON events (id) WHERE channel = 'ä';
COMMENT ON TABLE events IS 'the old bus';
COMMENT ON INDEX ix_events_channel_id IS 'for readers';
INSERT INTO events (channel, data, created_at) VALUES ('discord:message', '{"a": 1}', '2025-05-15'), ('bot', NULL, '2025-05-16');
SELECT setval('events_id_seq', 4711);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION touch();

CREATE TABLE old_events (id integer PRIMARY KEY, note text);
INSERT INTO old_events VALUES (1, 'older still');
CREATE SEQUENCE old_events_id_seq START 7;

CREATE TABLE discord_channels (
    id bigint GENERATED ALWAYS AS IDENTITY,
    channel_id varchar(50) NOT NULL,
    CONSTRAINT pk_discord_channels PRIMARY KEY (id),
    CONSTRAINT uq_discord_channels UNIQUE (channel_id)
);
INSERT INTO discord_channels (channel_id) VALUES ('123'), (' 456 ');

CREATE TABLE trade_setups (
    id varchar(50) PRIMARY KEY,
    channel bigint REFERENCES discord_channels (id),
    event integer,
    kind level_kind DEFAULT 'support',
    span int4range,
    CONSTRAINT fk_trade_setups_plan_id FOREIGN KEY (event) REFERENCES events (id),
    CONSTRAINT no_overlap EXCLUDE USING gist (span WITH &&)
);
INSERT INTO trade_setups VALUES ('20250515_SPY_Rejection_1', 1, 1, 'resistance', '[1,5)');

CREATE TABLE schema_floor (floor integer, why text);
INSERT INTO schema_floor VALUES (3, 'a building''s');
CREATE TABLE set_aside (id integer);
INSERT INTO set_aside VALUES (42);

CREATE TABLE parsed_levels (id bigint, day date) PARTITION BY RANGE (day);
CREATE TABLE parsed_levels_2025 PARTITION OF parsed_levels FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE INDEX ix_parsed_levels_plan_id ON parsed_levels (id);
ALTER TABLE parsed_levels ADD CONSTRAINT pk_parsed_levels PRIMARY KEY (id, day);
ALTER TABLE parsed_levels ADD CONSTRAINT positive CHECK (id > 0);
INSERT INTO parsed_levels VALUES (1, '2025-05-15');

CREATE VIEW current_setups AS SELECT s.id, e.channel FROM trade_setups AS s JOIN events AS e ON e.id = s.event;
CREATE MATERIALIZED VIEW ticker_plans AS SELECT id FROM events;
CREATE UNIQUE INDEX ix_ticker_plans_message_id ON ticker_plans (id);
CREATE SEQUENCE legacy_map START 5;
CREATE TABLE parent_of_messages (id integer CONSTRAINT small CHECK (id < 1000));
CREATE TABLE discord_messages (body text) INHERITS (parent_of_messages);
INSERT INTO discord_messages VALUES (1, 'hello');

CREATE TABLE elsewhere (id integer PRIMARY KEY, event integer REFERENCES events (id));
INSERT INTO elsewhere VALUES (1, 2);
