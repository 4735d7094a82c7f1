"""The look of the pages that `watch` makes itself."""

_STYLE = """
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem 1rem; color: #1b232c;
  font: 16px/1.5 system-ui, "Segoe UI", Arial, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
img { display: block; max-width: 100%; height: auto; max-height: 85vh; }
dl { display: flex; flex-wrap: wrap; gap: 0.5rem 2rem; font-variant-numeric: tabular-nums; }
dt { color: #586573; font-size: 0.875rem; }
dd { margin: 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 1rem 0.2rem 0; text-align: left; }
"""


def page(title: str, body: str, reload: int) -> bytes:
    """Returns a page that loads itself again.

    A name of a file that is no UTF-8 has a question mark for each byte that is none.

    Args:
      title: as HTML.
      body: as HTML.
      reload: the time between two loads, in seconds.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="refresh" content="{reload}">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    ).encode(errors="replace")


def links(**places: str) -> str:
    """Returns links in a line, by their texts.

    Args:
      places: the path of each.
    """
    each = " · ".join(f'<a href="{path}">{text}</a>' for text, path in places.items())
    return f'<p style="font-size:0.875rem">{each}</p>'
