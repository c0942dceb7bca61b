"""A class of made-up students: right, blank and wrong solutions, honest twins, and copies."""

from __future__ import annotations

import ast
import copy
import random
import re
from dataclasses import dataclass, field

from tito.course import Module
from tito.insights.solution_cells import Lesson, lesson_of
from tito.notebook.export import as_exported
from tito.source.catalogue import read_catalogue
from tito.source.percent import read_source

NAMES = (
    "result total value values item entry current temp answer res out2 acc part step_value "
    "inner outer first second left right both num arr array data_in summed scaled shifted"
).split()
SAYS = (
    "from the formula in the text|this took me a while|see the picture above|one axis at a time|"
    "not sure whether this is needed|careful with the shape here|same idea as in module one|"
    "first try was wrong here|goes through the chain rule|I drew this on paper first|"
    "keeps the old values alive|what the hint said|better than the loop I had|as in the lecture"
).split("|")
WORDS = (
    "wrong bad needs must shape shapes size layers missing expected got same not array axis names "
    "keys different cannot only please check input value number"
).split()
METHODS = {"sum", "mean", "max", "reshape", "transpose", "argmax", "squeeze", "astype", "copy"}


@dataclass
class MadeClass:
    """A class, who copied, and how.

    Attributes
    ----------
    solutions : dict
        By student and exercise.
    copies : dict of (str, str) to str
        How it was copied, by the two students.
    lesson : Lesson
        What the copies are looked for with.
    wrong : dict
        Whoever has an uncatalogued mistake, by student and exercise: what was changed.
    """

    solutions: dict[str, dict[str, str]]
    lesson: Lesson
    copies: dict[tuple[str, str], str] = field(default_factory=dict)
    wrong: dict[tuple[str, str], str] = field(default_factory=dict)


class Style(ast.NodeTransformer):
    """Writes right solutions in another way, as often as a student's habit is."""

    def __init__(self, rng: random.Random, habit: float):
        self.rng, self.habit = rng, habit
        self.locals: dict[str, str] = {}

    def likes(self, share: float = 1.0) -> bool:
        return self.rng.random() < self.habit * share

    def block(self, statements: list) -> list:
        new = []
        for statement in map(self.visit, statements):
            new += self.with_steps(statement)
        return new

    def with_steps(self, node) -> list:
        """A statement, perhaps with an intermediate result before it."""
        value = getattr(node, "value", None)
        if isinstance(node, ast.Return) and self.plain(value) and self.likes():
            name = self.rng.choice(NAMES)
            return [assign(name, value), ast.Return(ast.Name(name, ast.Load()))]
        if isinstance(node, ast.Return) and isinstance(value, ast.IfExp) and self.likes():
            return [ast.If(value.test, [ast.Return(value.body)], [ast.Return(value.orelse)])]
        if isinstance(node, (ast.Return, ast.Assign)) and is_listing(value) and self.likes():
            return self.as_loop(node, value)
        if isinstance(node, (ast.Return, ast.Assign)) and isinstance(value, (ast.Call, ast.BinOp)):
            parts = value.args if isinstance(value, ast.Call) else [value.left, value.right]
            fitting = [p for p in parts if self.plain(p)]
            if fitting and self.likes():
                part, name = self.rng.choice(fitting), self.rng.choice(NAMES)
                return [assign(name, part), Replace(part, name).visit(node)]
        if isinstance(node, ast.Assign) and self.likes(0.1):
            shown = self.rng.choice(["print({})", "assert {} is not None", "{} = {}"])
            target = ast.unparse(node.targets[0])
            return [node, *ast.parse(shown.replace("{}", target)).body]
        return [node]

    def as_loop(self, node, value) -> list:
        """A list, made step by step."""
        name, (part,) = self.rng.choice(NAMES), value.generators
        append = ast.parse(f"{name}.append(None)").body[0]
        append.value.args = [value.elt]
        body = [append]
        for condition in part.ifs:
            body = [ast.If(condition, body, [])]
        loop = ast.For(part.target, part.iter, body, [], lineno=1)
        node.value = ast.Name(name, ast.Load())
        return [assign(name, ast.List([], ast.Load())), loop, node]

    @staticmethod
    def plain(node) -> bool:
        inside = {type(n) for n in ast.walk(node)} if node else {ast.Lambda}
        return isinstance(node, (ast.BinOp, ast.Call, ast.Subscript)) and not inside & {
            ast.Lambda,
            ast.Starred,
            ast.GeneratorExp,
            ast.NamedExpr,
        }

    def generic_visit(self, node):
        for name in ("body", "orelse"):
            if isinstance(getattr(node, name, None), list):
                setattr(node, name, self.block(getattr(node, name)))
        for name, value in ast.iter_fields(node):
            if name in ("body", "orelse") and isinstance(value, list):
                continue
            if isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
            elif isinstance(value, list):
                value[:] = [self.visit(v) if isinstance(v, ast.AST) else v for v in value]
        return node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, (ast.Mult, ast.Add)) and self.likes(0.7):
            node.left, node.right = node.right, node.left
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        f = node.func
        if isinstance(f, ast.Attribute) and f.attr in METHODS and self.likes():
            if isinstance(f.value, ast.Name) and f.value.id == "np" and len(node.args) > 0:
                return ast.Call(
                    ast.Attribute(node.args[0], f.attr, ast.Load()), node.args[1:], node.keywords
                )
            np = ast.Attribute(ast.Name("np", ast.Load()), f.attr, ast.Load())
            return ast.Call(np, [f.value, *node.args], node.keywords)
        return node

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        if not self.likes():
            return node
        target = copy.deepcopy(node.target)
        target.ctx = ast.Load()
        return ast.Assign([node.target], ast.BinOp(target, node.op, node.value), lineno=1)

    def visit_If(self, node):
        self.generic_visit(node)
        if node.orelse and self.likes(0.7):
            node.test = ast.UnaryOp(ast.Not(), node.test)
            node.body, node.orelse = node.orelse, node.body
        return node

    def visit_Raise(self, node):
        """Errors are said in one's own words."""
        call = node.exc
        if isinstance(call, ast.Call) and call.args and self.rng.random() < 0.3 + self.habit:
            words = self.rng.sample(WORDS, self.rng.choice([2, 3, 4]))
            call.args = [ast.Constant(" ".join(words))]
        return node

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Name) and self.likes():
            length = ast.Call(ast.Name("len", ast.Load()), [node.operand], [])
            return ast.Compare(length, [ast.Eq()], [ast.Constant(0)])
        return node

    def visit_Compare(self, node):
        self.generic_visit(node)
        flip = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.Eq: ast.Eq, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
        if len(node.ops) == 1 and type(node.ops[0]) in flip and self.likes():
            node.left, node.comparators = node.comparators[0], [node.left]
            node.ops = [flip[type(node.ops[0])]()]
        return node


class Replace(ast.NodeTransformer):
    """Puts a name in the place of one expression."""

    def __init__(self, part, name):
        self.part, self.name = part, name

    def visit(self, node):
        return ast.Name(self.name, ast.Load()) if node is self.part else super().visit(node)


class Rename(ast.NodeTransformer):
    """Other names for what a solution names itself."""

    def __init__(self, names: dict[str, str]):
        self.names = names

    def visit_Name(self, node):
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node):
        node.arg = self.names.get(node.arg, node.arg)
        return node


class Wrong(ast.NodeTransformer):
    """A mistake that nobody has thought of, at one place."""

    def __init__(self, rng: random.Random, tree: ast.AST):
        places = [n for n in ast.walk(tree) if isinstance(n, (ast.BinOp, ast.Compare, ast.Call))]
        self.place = rng.choice(places) if places else None
        self.rng = rng

    def visit(self, node):
        if node is not self.place:
            return self.generic_visit(node)
        if isinstance(node, ast.BinOp):
            node.op = self.rng.choice([ast.Sub(), ast.Div(), ast.Pow()])
            return node
        extra = ast.Constant(self.rng.choice([0, 1, 2, -1, 3]))
        return ast.BinOp(node, self.rng.choice([ast.Add(), ast.Mult(), ast.Sub()]), extra)


def assign(name: str, value) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value, lineno=1)


def chosen_names(tree: ast.AST, given: str) -> list[str]:
    names = [
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    ]
    return [n for n in dict.fromkeys(names) if not re.search(rf"\b{n}\b", given)]


def renamed(source: str, given: str, rng: random.Random) -> str:
    """Other names for local variables."""
    tree = ast.parse(source)
    names = chosen_names(tree, given)
    free = [n for n in NAMES if n not in source] + [f"v{k}" for k in range(50)]
    new = dict(zip(names, rng.sample(free, len(names)), strict=True))
    return ast.unparse(Rename(new).visit(tree))


def styled(source: str, given: str, rng: random.Random, habit: float) -> str:
    """A solution as a student with some habits writes it."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            node.body = [s for s in node.body if not is_text(s)] or node.body
    style = Style(rng, habit)
    tree.body = [style.visit(node) for node in tree.body]
    text = ast.unparse(tree)
    text = renamed(text, given, rng) if rng.random() < 0.6 else text
    return commented(text, rng, habit)


def is_listing(node) -> bool:
    return isinstance(node, ast.ListComp) and len(node.generators) == 1


def is_text(node) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def commented(text: str, rng: random.Random, habit: float) -> str:
    """With a comment here and there, on a line of its own."""
    lines = []
    for line in text.split("\n"):
        inside = (
            line.startswith("    ")
            and line.strip()
            and not line.strip().startswith(("else", "elif", "except", "finally", '"'))
        )
        if inside and rng.random() < habit * 0.15:
            indent = line[: len(line) - len(line.lstrip())]
            words = (
                f"{rng.choice(SAYS)} {rng.choice(['', rng.choice(NAMES), str(rng.randrange(20))])}"
            )
            lines.append(f"{indent}# {words}".rstrip())
        lines.append(line)
    return "\n".join(lines)


def without_comments(source: str) -> str:
    return ast.unparse(ast.parse(source))


def reordered(source: str, rng: random.Random) -> str:
    """Neighbouring assignments that do not need each other, exchanged."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            for n in range(len(body) - 1):
                if independent(body[n], body[n + 1]) and rng.random() < 0.8:
                    body[n], body[n + 1] = body[n + 1], body[n]
    return ast.unparse(tree)


def independent(a, b) -> bool:
    if not (
        isinstance(a, (ast.Assign, ast.FunctionDef))
        and isinstance(b, (ast.Assign, ast.FunctionDef))
    ):
        return False
    used = [{n.id for n in ast.walk(x) if isinstance(n, ast.Name)} for x in (a, b)]
    bound = [
        {n.id for n in ast.walk(x) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        for x in (a, b)
    ]
    return not (used[0] & bound[1] or used[1] & bound[0])


def make_class(module: Module, seed: int, honest: int = 48) -> MadeClass:
    """A class with `honest` students, and twelve more who copied or were copied from."""
    rng, lesson = random.Random(seed), lesson_of(module)
    cells = tuple(read_source(module))
    catalogue = read_catalogue(module, cells)
    sources = {c.name: c.source for c in cells if c.role == "exercise"}
    made = MadeClass({}, lesson)

    def student(name: str, habit: float) -> dict[str, str]:
        texts = {}
        for exercise, source in sources.items():
            kind = rng.choices(
                ["reference", "alternative", "mistake", "wrong", "blank"], [60, 16, 10, 8, 6]
            )[0]
            entries = {
                "alternative": [e for e in catalogue.alternatives if e.exercise == exercise],
                "mistake": [e for e in catalogue.mistakes if e.exercise == exercise],
            }.get(kind)
            text = rng.choice(entries).made_in(source) if entries else source
            text = as_exported(text)
            if kind == "blank":
                texts[exercise] = lesson.blank[exercise]
                continue
            if kind == "wrong":
                tree = ast.parse(text)
                text = ast.unparse(ast.fix_missing_locations(Wrong(rng, tree).visit(tree)))
                made.wrong[name, exercise] = text
            texts[exercise] = styled(text, lesson.blank[exercise], rng, habit)
        return texts

    for n in range(honest):
        made.solutions[f"student{n:02}"] = student(
            f"student{n:02}", rng.choice([0.05, 0.2, 0.4, 0.6])
        )
    # natural twins: all from the reference, and the same catalogued mistakes
    first = {e.exercise: e for e in reversed(catalogue.mistakes)}
    for n in range(2):
        made.solutions[f"reference{n}"] = {x: as_exported(s) for x, s in sources.items()}
        made.solutions[f"mistaken{n}"] = {
            x: renamed(as_exported(first[x].made_in(s) if x in first else s), lesson.blank[x], rng)
            for x, s in sources.items()
        }
    ways = ["renamed", "reordered", "half", "no comments"]
    for way in ways:
        a, b = f"from-{way.replace(' ', '-')}", f"to-{way.replace(' ', '-')}"
        made.solutions[a] = student(a, 0.5)
        own = student(b, 0.3)
        copied = list(sources)
        if way == "half":
            copied = copied[: len(copied) // 2]
        for exercise in copied:
            text = made.solutions[a][exercise]
            if text == lesson.blank[exercise]:
                own[exercise] = text
                continue
            own[exercise] = {
                "renamed": lambda t, x=exercise: renamed(t, lesson.blank[x], rng),
                "reordered": lambda t: reordered(t, rng),
                "half": lambda t: t,
                "no comments": without_comments,
            }[way](text)
        made.solutions[b] = own
        made.copies[a, b] = way
    return made
