"""How many articles of real videos pass the checklist of a person who would publish them.

    python -m impressions_assets_tests.eval.articles DATA

DATA holds `archives/<channel>/` as yt-dlp leaves them.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from impressions_assets_tests.demo_articles import articles_in
from impressions_assets_tests.text.article_checklist import problems_of


def report(data: Path) -> Iterator[str]:
    """The scores as lines of Markdown, and each kind of problem with how often it stands there."""
    yield "| channel | articles | passed | problems |"
    yield "|---|---|---|---|"
    for folder in sorted((data / "archives").iterdir()):
        found = [
            [problem.split(":")[0] for problem in problems_of(article.markdown, chapters.chapters)]
            for article, chapters in articles_in(folder)
            if article.markdown
        ]
        kinds = Counter(" ".join(p.split()[:3]) for problems in found for p in problems)
        said = ", ".join(f"{kind}… {number}" for kind, number in kinds.most_common())
        passed = sum(not problems for problems in found)
        yield f"| {folder.name} | {len(found)} | {passed} | {said or '–'} |"


if __name__ == "__main__":
    print("\n".join(report(Path(sys.argv[1]))))
