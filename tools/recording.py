"""Draws the demo's output as the picture of a terminal: recording.py OUTPUT.txt PICTURE.svg

Left out are the lines that count AWS calls. Access key ids become AWS's example.
"""

import io
import re
import sys

from rich.console import Console
from rich.text import Text

EXAMPLE_ID = "AKIAIOSFODNN7EXAMPLE"
LIKE_A_SECRET = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])")
STYLES = {r"^(\$ |A whole life).*": "bold", "^✔": "#9fce63", "^  ›.*": "#a6a9a8"}
# Rich's own would load its font from elsewhere.
FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>The output of make demo</title>
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main(output_file, picture_file):
    with open(output_file, encoding="utf-8") as file:
        output = re.sub(r"\bAKIA[A-Z0-9]{16}\b", EXAMPLE_ID, file.read())
    if LIKE_A_SECRET.search(output):
        sys.exit("recording: the output holds what may be a secret")
    lines = ["$ make demo", *as_in_a_terminal(output.splitlines())]
    width = max(map(len, lines)) + 1
    console = Console(
        file=io.StringIO(), record=True, width=width, force_terminal=True, color_system="truecolor"
    )
    for line in lines:
        text = Text(line)
        for pattern, style in STYLES.items():
            text.highlight_regex(pattern, style)
        console.print(text)
    picture = console.export_svg(title="", code_format=FORMAT, unique_id="demo")
    with open(picture_file, "w", encoding="utf-8") as file:
        file.write(picture)


def as_in_a_terminal(lines):
    """There, a step is one line that becomes ticked; written line by line, it begins and ends."""
    details = []
    for line in lines:
        if line.startswith("❯ "):
            details = []
        elif line.startswith("› "):
            if not re.match(r"› \d+ AWS calls?: ", line):
                details.append(f"  {line}")
        else:
            yield line
            yield from details
            details = []


if __name__ == "__main__":
    main(*sys.argv[1:])
