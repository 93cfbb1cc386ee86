#!/usr/bin/env python3
"""Holds documents against JSON Schemas: one problem a line.

Each line of the file that is named is the path of a schema, a tab, and a document. Schemas are
lenient, for clients; here what they do not mention is a problem, too.
"""
import json
import sys

import jsonschema


def strict(schema):
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: value if key in ("const", "enum", "examples") else strict(value)
            for key, value in schema.items()}
    if "properties" in made and isinstance(made["properties"], dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


def load(path, is_strict):
    with open(path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(strict(schema) if is_strict else schema)


def main():
    validators = {}
    is_strict = sys.argv[1] == "strict"
    with open(sys.argv[2], encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            path, document = line.rstrip("\n").split("\t", 1)
            if path not in validators:
                validators[path] = load(path, is_strict)
            for error in validators[path].iter_errors(json.loads(document)):
                way = "/".join(str(step) for step in error.absolute_path)
                print(f"{number}: {path}: {way}: {error.message[:200]}: {document[:200]}")
                break


if __name__ == "__main__":
    main()
