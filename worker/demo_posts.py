"""What the analyst of the demo posts: invented plans in the manner of real ones."""

from datetime import date


def opening_plan(day: date) -> str:
    """Two tickers in full, each with a bias."""
    return f"""A+ Scalp Trade Setups — {day:%a %b} {day.day}

SPY
❌ Rejection Near 612.40 🔻 610.80, 609.10, 607.50
🔻 Aggressive Breakdown Below 609.10 🔻 607.50, 605.90, 604.00
🔻 Conservative Breakdown Below 607.50 🔻 605.90, 604.00, 602.20
🔼 Aggressive Breakout Above 612.40 🔼 614.00, 615.70, 617.50
🔼 Conservative Breakout Above 614.00 🔼 615.70, 617.50, 619.80
🔄 Bounce Zone 604.00–604.60 🔼 605.90, 607.50, 609.10
⚠️ Bullish above 609.10, flips below 604.00

NVDA
❌ Rejection Near 171.20 (169.80, 168.40, 166.90)
🔻 Aggressive Breakdown Below 168.40 (166.90, 165.20, 163.70)
🔼 Aggressive Breakout Above 171.20 (172.60, 174.10, 175.90)
🔄 Bounce From 165.20 (166.90, 168.40, 169.80)
⚠️ Choppy between 168.40 and 171.20, wait for volume

@everyone"""


def corrected_plan(day: date) -> str:
    """The opening plan after the analyst mended a target and took one setup back."""
    text = opening_plan(day).replace("614.00, 615.70, 617.50", "614.20, 615.70, 617.50")
    return text.replace("🔄 Bounce From 165.20 (166.90, 168.40, 169.80)\n", "")


def forwarded_plan(day: date) -> str:
    """One more ticker, which reaches the channel as a forward."""
    return f"""A+ Trade Setups - {day:%A %B} {day.day}

1) TSLA
🔻 Breakdown Entry Aggressive Below 338.20 🔻 335.60, 332.00, 328.50
🔼 Breakout Entry Aggressive Above 345.75 🔼 349.10, 352.40, 356.00
Bias: bearish under 341.00"""


def withdrawn_plan(day: date) -> str:
    """A plan for the wrong ticker, which is deleted again."""
    return f"""A+ Trade Setups {day:%b} {day.day}

QQQ
❌ Rejection Near 540.10 🔻 537.50, 535.20"""


CHAT = "gm all, who is watching the 609 level on SPY today?"
