-- One row or more in every table, so that revisions are tried on data.

INSERT INTO discord_channels (channel_id, guild_id, name, covered) VALUES (1, 10, 'plans', '{[100,200)}'), (2, NULL, 'me', '{}');
INSERT INTO discord_messages (message_id, channel_id, guild_id, content, raw, raw_original, text_flags, posted_at, origin, parse_state, correlation_id)
VALUES (150, 1, 10, 'A+ setups', '{"id": "150"}', '\x00', '{nul}', '2025-05-15 12:00Z', 'live', 'parsed', gen_random_uuid()),
       (160, 2, NULL, 'BTO', '{"id": "160"}', NULL, NULL, '2025-05-15 13:00Z', 'replay', 'parsed', gen_random_uuid());
INSERT INTO message_revisions (message_id, content, text) VALUES (150, 'A setups', 'A setups');
INSERT INTO ticker_plans (message_id, channel_id, position, is_day_plan, ticker, trading_day, trading_day_source, bias_text, bias_direction, fingerprint, state, flags)
VALUES (150, 1, 0, true, 'SPY', '2025-05-15', 'header', 'Bullish above', 'bullish', '\x01', 'current', '{weekend}'),
       (160, 2, 0, false, NULL, '2025-05-15', 'posted_at', NULL, NULL, '\x02', 'current', '{}');
INSERT INTO trade_setups (plan_id, position, kind, strategy, direction, raw_line, span, confidence, flags, state, instrument, quantity)
VALUES (1, 0, 'rejection', 'aggressive', 'short', 'Rejection', '[0,9)', 0.9, '{far}', 'current', NULL, NULL),
       (1, 1, 'bounce', NULL, 'long', 'Bounce', '[9,20)', 1, '{}', 'withdrawn', NULL, NULL),
       (2, 0, 'entry', NULL, 'long', 'BTO', '[0,3)', 1, '{}', 'current', '{"underlying": "SPY", "strike": "590"}', '2');
INSERT INTO setup_revisions (setup_id, data) VALUES (1, '{"kind": "rejection"}');
INSERT INTO parsed_levels (plan_id, setup_id, role, sequence, price_low, price_high, relation, span)
VALUES (1, 1, 'trigger', 0, 586.49, 586.49, NULL, '[0,1)'), (1, 1, 'trigger', 1, 587, 587.50, NULL, '[1,2)'),
       (1, 1, 'target', 1, 582.00, 582.00, NULL, '[3,4)'), (1, 1, 'target', 0, 584.10, 584.20, NULL, '[2,3)'),
       (1, 1, 'stop', 0, 588, 588.5, NULL, '[4,5)'), (1, 2, 'trigger', 0, 580, 580, NULL, '[5,6)'),
       (1, NULL, 'bias', 0, 585, 585, 'above', '[6,7)'), (2, 3, 'trigger', 0, 2.15, 2.15, NULL, '[0,1)');
INSERT INTO events (channel, event_type, source, correlation_id, data)
SELECT 'discord:message', 'discord.message.stored', 'worker', correlation_id, '{"schema": 1}' FROM discord_messages;
INSERT INTO set_aside (kind, relation, former_name, present_name) VALUES ('relation', 'old_setups', 'setups', 'old_setups');
INSERT INTO event_consumers (name, started_after, position, channels) VALUES ('desk', 0, 1, '{parsing:setup}');
INSERT INTO event_letters (consumer, event_id, channel, event_type, source, correlation_id, data, created_at, state, tries, reason)
SELECT 'desk', id, channel, event_type, source, correlation_id, data, created_at, 'dead', 5, 'ValueError' FROM events LIMIT 1;
INSERT INTO event_acknowledgements (consumer, up_to) VALUES ('desk', 1);
INSERT INTO import_runs (source, state, plan, tables) VALUES ('', 'finished', '{"tables": {}}', '{"old_setups": {"rows": 2}}');
INSERT INTO legacy_map (old_table, old_key, outcome, new_table, new_id, row)
VALUES ('old_setups', '1', 'inserted', 'discord_messages', 150, '{"id": "1", "raw_text": "A+ setups"}');
INSERT INTO import_quarantine (old_table, old_key, reason, detail, row) VALUES ('old_setups', '2', 'no_text', 'raw_text is empty', '{"id": "2"}');
INSERT INTO ingestion_gaps (channel_id, first_id, last_id, reason) VALUES (1, 10, 20, 'start');
INSERT INTO channel_verifications (channel_id, first_id, last_id) VALUES (1, 10, 20);
UPDATE ingest_lease SET epoch = 3, holder = 'here:1';
INSERT INTO discord_channels (channel_id, guild_id, name, is_announce) VALUES (3, 10, 'announced', true);
INSERT INTO channel_changes (channel_id, source, changed_by, changed, correlation_id)
VALUES (1, 'discord', 700, '{"parser": "aplus"}', gen_random_uuid()), (2, 'setting', NULL, '{"is_listen": true}', gen_random_uuid());
INSERT INTO guild_settings (guild_id, alarm_channel_id) VALUES (10, 3);
INSERT INTO synced_commands (application_id, commands_hash) VALUES (99, '\x01');
INSERT INTO erased_users (user_id, asked_by) VALUES (701, 700);
INSERT INTO announcements (plan_id, channel_id, message_id, content_hash, state) VALUES (1, 3, 170, '\x01', 'posted');
INSERT INTO alarms (guild_id, kind, subject, sentence, channel_id, message_id) VALUES (10, 'message', '150', 'Nothing was read', 3, 171);
