"""Loss curves, and what the models are worth, as SVG files."""

import math

WIDTH, HEIGHT, LEFT, TOP = 720, 400, 60, 40
COLOURS = {"dense": "#888888", "spark": "#d95f02"}


def svg(width, height, parts):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">'
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="white"/>', *parts, "</svg>"]) + "\n"


def loss_plot(logs, file):
    """`logs` by model: entries with step, loss and held_out. Bits per byte of the held-out text, on a logarithmic axis."""
    points = [(entry["step"], entry["held_out"]) for log in logs.values() for entry in log]
    most = max(step for step, _ in points)
    low, high = (f(math.log(loss) for _, loss in points) for f in (min, max))
    low, high = low - 0.02, high + 0.02

    def place(step, loss):
        x = LEFT + (WIDTH - LEFT - 20) * step / most
        return x, TOP + (HEIGHT - 2 * TOP) * (high - math.log(loss)) / (high - low)

    parts = [f'<text x="{LEFT}" y="20">held-out loss, bits per byte, by training step</text>']
    for index in range(6):
        loss = math.exp(low + (high - low) * index / 5)
        step = round(most * index / 5)
        x, y = place(step, loss)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - 20}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{loss:.2f}</text>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - TOP + 18}" text-anchor="middle">{step}</text>')
    for index, (kind, log) in enumerate(logs.items()):
        if not log:
            continue
        line = " ".join("{:.1f},{:.1f}".format(*place(entry["step"], entry["held_out"])) for entry in log)
        colour, y = COLOURS[kind], TOP + 16 * (index + 1)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        label = f'{kind}: {log[-1]["held_out"]:.3f} after {log[-1]["step"]} steps'
        parts.append(f'<text x="{WIDTH - 20}" y="{y}" text-anchor="end" fill="{colour}">{label}</text>')
    file.write_text(svg(WIDTH, HEIGHT, parts))


def bars(title, values, top, text):
    """Rows of a bar chart: `values` by label, each (length, half the width of its whisker, colour)."""
    parts, most = [f'<text x="20" y="{top}" font-size="14">{title}</text>'], max(a + b for a, b, _ in values.values())
    for index, (label, (value, spread, colour)) in enumerate(values.items()):
        y, scale = top + 14 + 22 * index, (WIDTH - 360) / most
        parts.append(f'<text x="230" y="{y + 13}" text-anchor="end">{label}</text>')
        parts.append(f'<rect x="240" y="{y}" width="{value * scale:.1f}" height="17" fill="{colour}"/>')
        if spread:
            ends = (240 + (value + side * spread) * scale for side in (-1, 1))
            parts.append("<path d='M{:.1f} {}H{:.1f}' stroke='#222222'/>".format(next(ends), y + 8.5, next(ends)))
        parts.append(f'<text x="{248 + (value + spread) * scale:.1f}" y="{y + 13}">{text.format(value, spread)}</text>')
    return parts, top + 50 + 22 * len(values)


def quality_plot(losses, speeds, neurons, tokens, file):
    """Bars of bits per byte and of decoded tokens per second by model, and by layer, with mean and deviation, the share of active
    neurons and the attended tokens. The names of Spark's rows begin with its name."""
    parts, top = [], 30

    def colour(name):
        return COLOURS["spark" if name.lower().startswith("spark") else "dense"]

    for title, values, text in (
        ("held-out loss, bits per byte", {name: (x, 0, colour(name)) for name, x in losses.items()}, "{:.4f}"),
        ("decoded tokens per second, batch 1", {name: (x, 0, colour(name)) for name, x in speeds.items()}, "{:.0f}"),
        ("active neurons, %", {f"layer {i}": (*x, COLOURS["spark"]) for i, x in enumerate(neurons)}, "{:.1f} +- {:.1f}"),
        ("attended tokens", {f"layer {i}": (*x, COLOURS["spark"]) for i, x in enumerate(tokens)}, "{:.1f} +- {:.1f}"),
    ):
        more, top = bars(title, values, top, text)
        parts += more
    file.write_text(svg(WIDTH, top, parts))
