"""The papers' claims, and what the runs say of each."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from train.report.checks import CHECKS
from train.report.findings import AGREES, CANNOT_TELL, DISAGREES, MEASURED, fit, unusable
from train.report.page import Block, Heading, Paragraph, Table, Verdict
from train.report.records import Study


@dataclasses.dataclass(frozen=True)
class Answer:
    """A claim of a study, and what came of it."""

    claim: Mapping[str, Any]
    verdict: str
    lines: Sequence[str]
    """What was measured, and the numbers."""


def answer(study: Study, claim: Mapping[str, Any]) -> Answer:
    """Checks a claim: it agrees where every finding does, and disagrees where one does.

    Args:
      study: the study.
      claim: its `check` is one of `CHECKS`, its `arguments` are that one's.

    Raises:
      UserError: there is no such check, or it does not take such arguments.
    """
    if claim["check"] not in CHECKS:
        raise unusable("check", f"be one of {', '.join(CHECKS)}", claim["check"])
    check, arguments = CHECKS[claim["check"]], claim.get("arguments", {})
    fit(check, f"the check {claim['check']}", study, **arguments)
    findings = check(study, **arguments)
    verdicts = [finding.verdict for finding in findings.each]
    verdict = next((v for v in (DISAGREES, CANNOT_TELL, AGREES, MEASURED) if v in verdicts), None)
    if verdict is None:
        return Answer(claim, CANNOT_TELL, ["The runs that it is about are not in this study."])
    lines = [f"{findings.measured}:"]
    if len(verdicts) > 1 and verdict != MEASURED:
        counts = Counter(verdicts)
        said = ", ".join(
            f"{v} in {counts[v]}" for v in (AGREES, DISAGREES, CANNOT_TELL) if v in counts
        )
        lines = [f"Of {len(verdicts)}: {said}.", *lines]
    bullet = "\u2022 " if len(verdicts) > 1 else ""
    for finding in findings.each:
        where = f"{finding.where}: " if finding.where else ""
        lines.append(f"{bullet}{where}{finding.numbers}")
    return Answer(claim, verdict, lines)


def answers(study: Study) -> Sequence[Answer]:
    """To each claim of the study, in order."""
    return [answer(study, claim) for claim in study.record.get("claims") or []]


def section(study: Study, found: Sequence[Answer]) -> Sequence[Block]:
    """The answers, if the study has claims."""
    if not found:
        return []
    is_smoke = study.record["size"] == "smoke"
    rows = [
        [
            f"{each.claim['text']}\n({each.claim['source']}; {each.claim['id']})",
            f"{each.verdict} (smoke)" if is_smoke else Verdict(each.verdict),
            "\n".join(each.lines),
        ]
        for each in found
    ]
    what = (
        "What the papers say, and what these runs say of it, computed from their records. "
        "“Agrees” and “disagrees” need a 95 % interval, over the seeds, that lies wholly on one "
        "side, and the number of every seed; with one seed there is no interval, and nothing can "
        "be told. Halts alone are counted, and need no interval. The intervals are not corrected "
        "for the number of claims. A claim of several settings agrees if it does for "
        "each of them, and disagrees if it does for one. ± is half of a 95 % interval; a "
        "difference is the first less the second, paired over the seeds, with its 95 % interval in "
        "brackets. “Measured” is a question that the papers left open."
    )
    smoke = "Smoke size: this shows that the checks work, and is no evidence for or against them."
    note = smoke if is_smoke else ""
    headers = ("Claim", "Verdict", "What we measured")
    return [Heading("Answers"), Paragraph(what), Table("Claims", headers, rows, 3, note)]
