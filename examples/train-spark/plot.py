"""Loss curves as an SVG file."""

import math

WIDTH, HEIGHT, LEFT, TOP = 720, 400, 60, 40
COLOURS = {"dense": "#888888", "spark": "#d95f02"}


def loss_plot(logs, file):
    """`logs` by model: entries with step, loss and held_out. Bits per byte of the held-out text, on a logarithmic axis."""
    points = [(entry["step"], entry["held_out"]) for log in logs.values() for entry in log]
    most = max(step for step, _ in points)
    low, high = (f(math.log(loss) for _, loss in points) for f in (min, max))
    low, high = low - 0.02, high + 0.02

    def place(step, loss):
        x = LEFT + (WIDTH - LEFT - 20) * step / most
        return x, TOP + (HEIGHT - 2 * TOP) * (high - math.log(loss)) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="20">held-out loss, bits per byte, by training step</text>',
    ]
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
    file.write_text("\n".join([*parts, "</svg>"]) + "\n")
