"""The targets, as ratios within one run, and the composed limit they need.

Composed limit = cores / the summed CPU seconds per message of what no hub can
leave out, capped by the bare libpq loop over the same rows. Summed are: the rows
(client and backends of the fastest bare loop), verifying the sender's signature,
SHA-256 of the body, protobuf, the hub's side of CURVE, and the whole load
generator, in whose CPU time the other side of CURVE is.
"""

import statistics

import machine
from table import show, spread

NOT_HERE = "not measured by this command"


def best_rows(limits, updates):
    return max((plan for plan in limits["rows"] if plan["updates"] == updates), key=lambda plan: plan["per_second"])


def compose(limits, load, batched):
    """(parts in CPU us per message, cap in messages per second, limit)"""
    rows = best_rows(limits, updates=False)
    cost = limits["parts_us"]
    parts = {"rows": rows["client_us"] + rows["backend_us"],
             "verify": cost["verify_in_batch" if batched else "ecdsa_verify"], "sha256": cost["sha256"],
             "protobuf": cost["protobuf"], "curve (hub)": cost["curve"] / 2, "load": load["cpu"]["load"]}
    limit = machine.cores() * 1e6 / sum(parts.values())
    return parts, rows["per_second"], min(limit, rows["per_second"])


def find(figures, **wanted):
    for point, results in zip(figures.points, figures.loads):
        if all(getattr(point, name) == value for name, value in wanted.items()):
            return results
    raise LookupError(str(wanted))


def verdict(name, ratios, sign, target, digits=2):
    middle = statistics.median(ratios)
    reached = middle >= target if sign == ">=" else middle <= target
    return [name, spread(ratios, digits), f"{sign} {target:g}", "yes" if reached else "no"]


def admission(figures, batch):
    """Share of the composed limit, with the limit's parts shown."""
    results = find(figures, mode="admitted", offices=16, in_flight=1000, body=4096, batch=batch)
    composed = [compose(limits, load, batch > 1) for limits, load in zip(figures.limits, results)]
    signed = "each signed" if batch == 1 else f"{batch} to a signature"
    rows = [[name, spread([parts[name] for parts, _, _ in composed], 1)] for name in composed[0][0]]
    rows.append(["sum, CPU us per message", spread([sum(parts.values()) for parts, _, _ in composed], 1)])
    rows.append(["bare loop's cap, messages/s", spread([cap for _, cap, _ in composed])])
    rows.append(["composed limit, messages/s", spread([limit for _, _, limit in composed])])
    show(f"Composed limit of admission, {signed}", ["", "CPU us per message"], rows)
    figures.add([limit for _, _, limit in composed], "limit", "composed", "rate", "per second", batch=batch)
    shares = [load["per_second"] / limit for load, (_, _, limit) in zip(results, composed)]
    return verdict(f"admission, 1000 in flight, {signed}, share of the composed limit", shares, ">=", 0.8)


def against_rabbit(figures):
    name = "end to end, batch signatures, against RabbitMQ quorum (1000 in flight)"
    ours = find(figures, mode="delivered", offices=16, in_flight=1000, body=4096, batch=256)
    theirs = [one.get(("rabbitmq", "quorum", "consumed", 1000)) for one in figures.peer_runs]
    if not all(theirs):
        return [name, "no figures of RabbitMQ", ">= 1", "-"]
    return verdict(name, [us["per_second"] / them["per_second"] for us, them in zip(ours, theirs)], ">=", 1.0)


def one_in_flight(figures):
    ours = find(figures, mode="admitted", offices=16, in_flight=1, body=4096, batch=1)
    one_row = [us["p99_us"] / limits["one_row_commit"]["p99_us"] for us, limits in zip(ours, figures.limits)]
    all_rows = [us["p99_us"] / min(plan["p99_us"] for plan in limits["rows"] if plan["batch"] == 1 and not plan["updates"])
                for us, limits in zip(ours, figures.limits)]
    return [verdict("p99 at one in flight against p99 of one bare commit (one row)", one_row, "<=", 2),
            ["  the same against a bare commit of all rows of a message", spread(all_rows, 2), "", ""]]


def judge(figures):
    delivered = find(figures, mode="delivered", offices=16, in_flight=1000, body=4096, batch=256)
    bare = [us["per_second"] / best_rows(limits, updates=True)["per_second"]
            for us, limits in zip(delivered, figures.limits)]
    rows = [admission(figures, 1), admission(figures, 256), against_rabbit(figures),
            ["  end to end, batch signatures, share of the bare loop with updates", spread(bare, 2), "", ""],
            *one_in_flight(figures)]
    _, idle = figures.idle[0]
    if figures.options.offices >= 1000:
        rows.append(verdict("1000 idle offices, door and core together, MiB", [sum(idle.values())], "<=", 64, 0))
    else:
        rows.append([f"{figures.options.offices} idle offices, door and core together, MiB",
                     f"{sum(idle.values()):.0f}", "<= 64 at 1000", "-"])
    rows.append(["  the same, pages of the program and libraries that both have counted once",
                 f"{sum(idle.values()) - figures.shared:.0f}", "", ""])
    rows.append(["cost per message at 10^7 log rows against 10^4", f"{NOT_HERE}: tests/bench/growth", "<= 1.1", "-"])
    rows.append(["the year 2020, end to end", f"{NOT_HERE}: tests/bench/caseload", "<= 15 min", "-"])
    return rows
