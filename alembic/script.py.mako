<%
    code = f"{upgrades or ''}\n{downgrades or ''}"
    lines = ["import sqlalchemy as sa"] * ("sa." in code) + ["from alembic import op"] * ("op." in code)
    lines += [line for line in (imports or "").splitlines() if line]
    libraries = "\n".join(lines) + "\n\n" if lines else ""

    def quoted(value):
        return repr(value).replace("'", '"')
%>"""${message}

Revision ${up_revision}, after ${down_revision | comma,n}, drawn up on ${create_date.date()}.
"""

${libraries}revision = ${quoted(up_revision)}
down_revision = ${quoted(down_revision)}
branch_labels = ${quoted(branch_labels)}
depends_on = ${quoted(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
