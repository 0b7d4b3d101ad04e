"""Grouped bars as an SVG file, without packages."""

from xml.sax.saxutils import escape

COLOURS = ("#2f6f9f", "#c8803a", "#8a8a8a")
BAR, GAP, HEIGHT, TOP, LEFT, BOTTOM = 34, 26, 220, 64, 24, 44


def _text(x, y, text, size=12, anchor="middle", colour="#222"):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _panel(title, series, groups, left, top):
    """One chart: `groups` is [(label, [value or None per series])]. Returns its elements and its width."""
    width = len(groups) * (len(series) * BAR + GAP) + 2 * LEFT
    largest = max((value for _, values in groups for value in values if value), default=1)
    parts = [_text(left + LEFT, top + 22, title, 15, "start")]
    base = top + TOP + HEIGHT
    for index, (label, values) in enumerate(groups):
        x = left + LEFT + index * (len(series) * BAR + GAP)
        for number, value in enumerate(values):
            if value is None:
                continue
            height = HEIGHT * value / largest
            place = x + number * BAR
            parts.append(
                f'<rect x="{place:.1f}" y="{base - height:.1f}" width="{BAR - 3}" height="{height:.1f}" '
                f'fill="{COLOURS[number]}"/>'
            )
            parts.append(_text(place + BAR / 2, base - height - 5, f"{value:.3g}", 11))
        parts.append(_text(x + len(series) * BAR / 2, base + 18, label))
    parts.append(f'<line x1="{left + LEFT}" y1="{base}" x2="{left + width - LEFT}" y2="{base}" stroke="#222"/>')
    return parts, width


def write_bar_charts(path, heading, series, panels):
    """Charts below one another: `panels` is [(title, groups)] with groups as in _panel."""
    parts, width, top = [_text(LEFT, 28, heading, 17, "start")], len(heading) * 9 + 2 * LEFT, 40
    for number, name in enumerate(series):
        x = LEFT + number * 160
        parts.append(f'<rect x="{x}" y="{top}" width="12" height="12" fill="{COLOURS[number]}"/>')
        parts.append(_text(x + 18, top + 11, name, 13, "start"))
    top += 24
    for title, groups in panels:
        elements, panel_width = _panel(title, series, groups, 0, top)
        parts += elements
        width = max(width, panel_width)
        top += TOP + HEIGHT + BOTTOM
    size = f'width="{width}" height="{top}" viewBox="0 0 {width} {top}"'
    body = "\n".join(parts)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )
