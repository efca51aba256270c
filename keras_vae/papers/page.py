"""What was found for a paper as one HTML file, which needs no other."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

from keras_vae.papers.comparison import Comparison, Picture, Reproduction

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{paper} - keras-vae</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: auto; padding: 2rem 1rem; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .3rem .8rem; border-bottom: 1px solid #ddd; text-align: left; }}
.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
figure {{ margin: 2rem 0; }}
img {{ max-width: 100%; }}
figcaption, .protocol {{ color: #555; }}
</style>
</head>
<body>
<h1>{paper}</h1>
<p>{description}.</p>
<p>{about}</p>
<p class="protocol">{protocol}</p>
<table>
<tr>
<th>figure</th><th class="number">published</th><th class="number">measured</th><th>unit</th>
</tr>
{rows}
</table>
{pictures}
</body>
</html>
"""


def write_page(reproduction: Reproduction, description: str, about: str) -> None:
    """Writes the page of a reproduction, with its pictures inside.

    Args:
        reproduction: What was found; `page` is the file.
        description: What is compared, in one line.
        about: Paragraphs on the paper, with an empty line between two.
    """
    file = Path(reproduction.page)
    file.parent.mkdir(parents=True, exist_ok=True)
    text = _PAGE.format(
        paper=escape(reproduction.paper),
        description=escape(description),
        about="</p>\n<p>".join(escape(part) for part in about.strip().split("\n\n")),
        protocol=escape(protocol(reproduction)),
        rows="\n".join(_row(one) for one in reproduction.comparisons),
        pictures="\n".join(_figure(one) for one in reproduction.pictures),
    )
    file.write_text(text, encoding="utf-8")


def protocol(reproduction: Reproduction) -> str:
    """On what the figures were measured, and which form was run."""
    return (
        f"{reproduction.test_rows} test rows of {reproduction.data}, trained on "
        f"{reproduction.train_rows}; seed {reproduction.seed}; {reproduction.form} form"
    )


def _row(one: Comparison) -> str:
    published = "" if one.published is None else f"{one.published:.2f}"
    return (
        f'<tr><td>{escape(one.name)}</td><td class="number">{published}</td>'
        f'<td class="number">{one.measured:.2f}</td><td>{escape(one.unit)}</td></tr>'
    )


def _figure(one: Picture) -> str:
    png = base64.b64encode(Path(one.file).read_bytes()).decode("ascii")
    caption = escape(one.caption)
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{png}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
