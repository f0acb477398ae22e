"""Figures of several runs: medians with least and most, as a table and as CSV."""

import csv
import statistics


def spread(values, digits=0):
    """median (least-most); a single value by itself"""
    form = f",.{digits}f"
    if len(values) == 1:
        return f"{values[0]:{form}}"
    return f"{statistics.median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


class Book:
    """All figures by key, in the order they first came; one value for each run."""

    KEY = ("section", "what", "offices", "in_flight", "body", "batch", "figure", "unit")

    def __init__(self):
        self.values = {}

    def add(self, value, section, what, figure, unit, offices="", in_flight="", body="", batch=""):
        self.values.setdefault((section, what, offices, in_flight, body, batch, figure, unit), []).append(value)

    def write(self, path):
        with open(path, "w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow([*self.KEY, "median", "least", "most", "runs"])
            for key, values in self.values.items():
                writer.writerow([*key, statistics.median(values), min(values), max(values), len(values)])


def show(title, header, rows, out=print):
    """A table: the first column to the left, the others to the right."""
    lines = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in lines) for i in range(len(header))]
    out()
    out(title)
    for row in lines:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
        out("  " + "  ".join(cells).rstrip())
