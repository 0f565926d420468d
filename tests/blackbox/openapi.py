"""As much of OpenAPI 3.0 as the admin API's document uses, and nothing that it
could use unnoticed: an unknown keyword is an error, as is an unknown field."""

import json
import re

KEYWORDS = {"type", "properties", "required", "additionalProperties", "items",
            "enum", "pattern", "minimum", "description", "$ref"}

TYPES = {"string": str, "boolean": bool, "object": dict, "array": list,
         "integer": int, "number": (int, float)}


class Invalid(Exception):
    pass


class Document:
    def __init__(self, text):
        self.tree = json.loads(text)
        assert self.tree["openapi"].startswith("3.0.")
        self.used = set()  # fields that were seen, as "Schema.field"

    @property
    def paths(self):
        return self.tree["paths"]

    def resolve(self, schema):
        unknown = set(schema) - KEYWORDS
        if unknown:
            raise Invalid(f"not known here: {unknown}")
        if "$ref" not in schema:
            return schema, None
        name = schema["$ref"].removeprefix("#/components/schemas/")
        return self.tree["components"]["schemas"][name], name

    def check(self, schema, value, at="$"):
        schema, name = self.resolve(schema)
        kind = schema["type"]
        if not isinstance(value, TYPES[kind]) or (
                isinstance(value, bool) and kind != "boolean"):
            raise Invalid(f"{at}: {value!r} is no {kind}")
        if "enum" in schema and value not in schema["enum"]:
            raise Invalid(f"{at}: {value!r} is none of {schema['enum']}")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            raise Invalid(f"{at}: {value!r} is not {schema['pattern']}")
        if "minimum" in schema and value < schema["minimum"]:
            raise Invalid(f"{at}: {value!r} < {schema['minimum']}")
        if kind == "array":
            for number, item in enumerate(value):
                self.check(schema["items"], item, f"{at}[{number}]")
        if kind == "object":
            self.check_object(schema, name, value, at)

    def check_object(self, schema, name, value, at):
        properties = schema.get("properties", {})
        extra = schema.get("additionalProperties", True)
        for field in schema.get("required", []):
            if field not in value:
                raise Invalid(f"{at}: lacks {field!r}")
        for field, item in value.items():
            if field in properties:
                self.used.add(f"{name}.{field}")
                self.check(properties[field], item, f"{at}.{field}")
            elif extra is False:
                raise Invalid(f"{at}: {field!r} is not in openapi.json")
            elif isinstance(extra, dict):
                self.check(extra, item, f"{at}.{field}")

    def operation(self, path, method):
        """Of a real path, in which a name stands for the {name}."""
        for pattern, item in self.paths.items():
            form = re.sub(r"\\{[a-z]+\\}", "[^/]+", re.escape(pattern))
            if re.fullmatch(form, path):
                return item[method.lower()]
        raise Invalid(f"no path of the document is {path}")

    def check_answer(self, method, target, answer):
        """Status, Content-Type and body; and that the query is known."""
        path, _, query = target.partition("?")
        operation = self.operation(path, method)
        known = {each["name"] for each in operation.get("parameters", [])}
        for part in filter(None, query.split("&")):
            if part.split("=")[0] not in known:
                raise Invalid(f"{path}: parameter {part} is not known")
        response = operation["responses"].get(str(answer.status))
        if response is None:
            raise Invalid(f"{method} {path}: status {answer.status}")
        content = response["content"].get(answer.header("Content-Type"))
        if content is None:
            raise Invalid(f"{path}: {answer.header('Content-Type')}")
        body = answer.body.decode()
        if answer.header("Content-Type").startswith("application/json"):
            body = json.loads(body)
        self.check(content["schema"], body)
