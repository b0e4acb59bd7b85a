"""Says whether a report is valid by the schema, and whether the schema would notice any one key gone, added, or of another type.

    check_report_schema.py SCHEMA REPORT
"""

import json
import sys

import jsonschema

MAPS = ("labels", "pushes", "notes", "parts", "targets", "errors")  # their keys are names

schema = json.load(open(sys.argv[1], encoding="utf-8"))
report = json.load(open(sys.argv[2], encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
# Of what stands under each key at the top alone, which is quicker.
below = {
    key: jsonschema.Draft202012Validator({**properties, "$defs": schema["$defs"]}) for key, properties in schema["properties"].items()
}


def shortened(value):
    """With the first of each map and of each list that is longer than a pair: the others are like it."""
    if isinstance(value, list):
        return [shortened(element) for element in (value if len(value) == 2 else value[:1])]
    if isinstance(value, dict):
        return {key: shortened(dict(list(entry.items())[:1]) if key in MAPS and isinstance(entry, dict) else entry) for key, entry in value.items()}
    return value


def places(value, path=()):
    """Each container with a key of its, and how to say where that is; a part is like the whole but for the keys at its top."""
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key, path + (key,)
        if isinstance(entry, (dict, list)) and not (path[:1] in (("parts",), ("targets",)) and len(path) == 2):
            yield from places(entry, path + (key,))


def is_map(path):
    return bool(path) and path[-1] in MAPS


problems = [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in validator.iter_errors(report)]
small = shortened(report)
if not problems:
    problems += [f"shortened: {error.message[:200]}" for error in validator.iter_errors(small)]


def must_fail(what, path):
    key = path[0]
    if validator.is_valid(small) if len(path) == 1 else below[key].is_valid(small[key]):
        problems.append(f"{'/'.join(map(str, path))}: {what} is not noticed")


tried = 0
for container, key, path in [] if problems else list(places(small)):
    value = container[key]
    container[key] = {"wrong": True} if not isinstance(value, dict) else "wrong"
    must_fail("another type", path)
    container[key] = value
    if isinstance(container, dict) and not is_map(path[:-1]):
        entries = dict(container)
        del container[key]
        must_fail("a key that is gone", path)
        container.clear()
        container.update(entries)
    if isinstance(value, dict) and not is_map(path):
        value["added"] = 1
        must_fail("a key that was added", path)
        del value["added"]
    tried += 1

for problem in problems[:20]:
    print(problem)
print(f"{tried} places, {len(problems)} problems")
sys.exit(1 if problems else 0)
