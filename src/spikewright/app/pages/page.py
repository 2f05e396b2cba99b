"""A page as one self-contained HTML file, from a template of this folder.

The templates extend `page.html`, which holds the style and the script that paints figures, shows and hides series,
and follows the reader's light or dark setting. plotly.js is inside the file, so it opens without a network. Names
are escaped wherever they stand. The same values give the same bytes.
"""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from spikewright.app.pages.palette import DARK, LIGHT, marker
from spikewright.data.files import write_text
from spikewright.errors import BadSetting

HTML = (".html", ".htm")


def render(template: str, **values: Any) -> str:
    """The template with its values, as HTML.

    Args:
        template: a file of this folder, such as `comparison.html`.
        values: what the template names; `palettes` and `plotly` are added.
    """
    from jinja2 import Environment, FunctionLoader  # noqa: PLC0415
    from plotly.offline import get_plotlyjs  # noqa: PLC0415

    folder = files("spikewright.app.pages")
    loader = FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8"))
    return (
        Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
        .get_template(template)
        .render(palettes={"light": LIGHT, "dark": DARK}, plotly=get_plotlyjs(), **values)
    )


def legend(names: Sequence[str]) -> list[dict[str, Any]]:
    """The names with their colours and markers, as the templates' `mark` draws them."""
    return [{"name": name, "colour": index % len(LIGHT), "marker": marker(index)} for index, name in enumerate(names)]


def write_page(path: Path, text: str) -> None:
    """Write the page whole, so that an interrupted run leaves no half of one.

    Args:
        path: the HTML file; its folder is made if need be.
        text: the page.

    Raises:
        BadSetting: another ending than .html or .htm.
        BadFile: it cannot be written, as on a full disk; nothing is left of it.
    """
    require_html(path)
    write_text(path, text)


def require_html(path: Path) -> None:
    """Refuse a page whose name says that it is something else.

    Raises:
        BadSetting: another ending than .html or .htm.
    """
    if path.suffix.lower() not in HTML:
        raise BadSetting(f"page {str(path)!r}: it is written as HTML: give a name ending in {' or '.join(HTML)}")
