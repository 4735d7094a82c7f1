"""The papers' claims, each with one verdict and the numbers that it follows from."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from train.report.claims.checks import CHECKS
from train.report.claims.findings import (
    AGREES,
    CANNOT_TELL,
    DISAGREES,
    MEASURED,
    NO_DIFFERENCE,
    NOT_YET,
    VERDICTS,
    check_arguments,
    unusable,
)
from train.report.numbers.margins import margin_of
from train.report.numbers.measures import measures_of
from train.report.numbers.records import Results
from train.report.pages.page import Block, Bullets, Heading, Paragraph, Table, Verdict


@dataclasses.dataclass(frozen=True)
class Answer:
    """A claim of a study, with its verdict."""

    claim: Mapping[str, Any]
    verdict: str
    lines: Sequence[str]
    """Lines of text: what was measured, then the numbers of each setting."""


def answer(results: Results, claim: Mapping[str, Any]) -> Answer:
    """Checks a claim, and makes one verdict of its findings.

    Args:
      results: of the study.
      claim: its `check` is one of `CHECKS`, its `arguments` are that one's.

    Raises:
      UserError: there is no such check, or it does not take such arguments.
    """
    if claim["check"] not in CHECKS:
        raise unusable("check", f"be one of {', '.join(CHECKS)}", claim["check"])
    check, arguments = CHECKS[claim["check"]], claim.get("arguments", {})
    check_arguments(check, f"the check {claim['check']}", results, **arguments)
    findings = check(results, **arguments)
    counts = Counter(finding.verdict for finding in findings.each)
    if not counts:
        return Answer(claim, CANNOT_TELL, ["The runs that it is about are not in this study."])
    verdict, lines = verdict_of(counts), [f"{findings.measured}:"]
    if counts.total() > 1 and verdict != MEASURED:
        said = ", ".join(f"{v} in {counts[v]}" for v in VERDICTS if v in counts)
        lines = [f"Of {counts.total()}: {said}.", *lines]
    bullet = "\u2022 " if counts.total() > 1 else ""
    for finding in findings.each:
        where = f"{finding.where}: " if finding.where else ""
        lines.append(f"{bullet}{where}{finding.numbers}")
    return Answer(claim, verdict, lines)


def verdict_of(counts: Mapping[str, int]) -> str:
    """Returns the verdict on a claim that must hold in each of several settings.

    Args:
      counts: how many settings have each verdict.
    """
    if NOT_YET in counts:
        return NOT_YET
    if counts.keys() == {NO_DIFFERENCE}:
        return NO_DIFFERENCE
    if NO_DIFFERENCE in counts:  # one setting shows none, so the claim does not hold in each
        return DISAGREES
    return next(v for v in (DISAGREES, CANNOT_TELL, AGREES, MEASURED) if v in counts)


def answers(results: Results) -> Sequence[Answer]:
    """Returns the answer to each claim of the study, in order."""
    return [answer(results, claim) for claim in results.record.get("claims") or []]


def section(results: Results, found: Sequence[Answer]) -> Sequence[Block]:
    """Returns the section with the answers and how they were found; empty without claims."""
    if not found:
        return []
    is_smoke = results.record["size"] == "smoke"
    rows = [
        [
            f"{each.claim['text']}\n({each.claim['source']}; {each.claim['id']})",
            f"{each.verdict} (smoke)" if is_smoke else Verdict(each.verdict),
            "\n".join(each.lines),
        ]
        for each in found
    ]

    smoke = "Smoke size: this shows that the checks work, and is no evidence for or against them."
    note = smoke if is_smoke else ""
    headers = ("Claim", "Verdict", "What we measured")
    return [
        Heading("Answers"),
        Paragraph(
            "What the papers say, and what these runs say of it, computed from their records."
        ),
        Table("Claims", headers, rows, 3, note),
        Bullets(_HOW),
        *_margins(results, found),
    ]


_HOW = (
    "“Agrees” and “disagrees” need a 95 % interval, over the seeds, that lies wholly on one side.",
    "“No difference” means: no difference larger than the margin, where the claim says that there "
    "is one. Two one-sided t-tests (TOST), at 5 % each, confirm it. They do so where the 90 % "
    "interval lies within the margin. A claim that two settings are the same agrees by that test.",
    "“Cannot tell” means: the seeds scatter too much, or a run has no number because it halted or "
    "was not finite. With one seed there is no interval. Beside it stands “detectable”: the "
    "difference that the study would have seen with 80 % probability, by a paired t-test at 5 %.",
    "“Not yet” means: planned runs are still to be made. The numbers so far are shown. There is no "
    "verdict before all are in, since whoever tests after each new seed finds something by chance.",
    "“Measured” is a question that the papers left open. Halts are counted, and need no interval.",
    "A claim of several settings agrees if it does for each of them. It disagrees if it does for "
    "one, or if in one of them there is no difference and in others not.",
    "± is half of a 95 % interval. A difference is the first less the second, paired over the "
    "seeds, with its 95 % interval in brackets. The intervals are not corrected for the number of "
    "claims.",
)


def _margins(results: Results, found: Sequence[Answer]) -> Sequence[Block]:
    """Returns the table of the margins that the checks used, with the reason for each."""
    rows = []
    for each in found:
        given = each.claim.get("arguments", {})
        if "measure" not in given or each.claim["check"] not in ("compare", "equivalent"):
            continue
        known = measures_of(results.task)[given["measure"]]
        because = given.get("because", "")
        margin = margin_of(results.task, given["measure"], given.get("margin"), because)
        rows.append((known.title, margin.text(known), margin.why))
    if not rows:
        return []
    headers = ("Measure", "Margin", "Why")
    caption = "How small a difference counts as none"
    return [Table(caption, headers, list(dict.fromkeys(rows)), 3, is_folded=True)]
