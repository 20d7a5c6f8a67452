"""${message}

Revision ${up_revision}, after ${down_revision | comma,n}, drawn up at ${create_date}.
"""
<%
    code = f"{upgrades or ''}\n{downgrades or ''}"
    def quoted(value): return repr(value).replace("'", '"')
%>
% if "sa." in code:
import sqlalchemy as sa
% endif
% if "op." in code:
from alembic import op
% endif
${imports if imports else ""}

revision = ${quoted(up_revision)}
down_revision = ${quoted(down_revision)}
branch_labels = ${quoted(branch_labels)}
depends_on = ${quoted(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
