"""A check-up's findings, for people and for programs. Pure but for printing."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from worker.findings import Finding
from worker.views.terminal import FAINT, FLAG_STYLE, styled

_MARKS = {"fine": ("✓", "green"), "wrong": ("✗", FLAG_STYLE), "unknown": ("?", FAINT)}


def findings_json(findings: Sequence[Finding]) -> str:
    return json.dumps([asdict(finding) for finding in findings], indent=2)


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    for finding in findings:
        mark, style = _MARKS[finding.state]
        console.print(Text.assemble((f"{mark} ", style), styled(f"{finding.subject}: {finding.said}")))
        if finding.advice:
            console.print(styled(f"  {finding.advice}", FAINT))
