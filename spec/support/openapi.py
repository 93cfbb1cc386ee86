#!/usr/bin/env python3
"""Holds documents against the schemas of an OpenAPI 3.1 file, one a line, as they come.

Each line is a JSON Pointer to a schema in the file, a tab, and a document; the answer is a line with
what is wrong, or an empty one. As in schema.py, what an object of a schema does not mention is wrong.
"""
import json
import sys

import jsonschema

from schema import strict


def find(document, pointer):
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        document = document[int(step) if isinstance(document, list) else step]
    return document


def validator(document, pointer):
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": document["components"],
        "allOf": [find(document, pointer)],
    }
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = strict(json.load(file))
    validators = {}
    for line in sys.stdin:
        pointer, text = line.rstrip("\n").split("\t", 1)
        if pointer not in validators:
            validators[pointer] = validator(document, pointer)
        problem = ""
        for error in validators[pointer].iter_errors(json.loads(text)):
            way = "/".join(str(step) for step in error.absolute_path)
            problem = f"{pointer}: {way}: {error.message[:200]}".replace("\n", " ")
            break
        print(problem, flush=True)


main()
