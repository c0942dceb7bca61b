"""Mistakes that students make in module 16, right solutions of other kinds, and changes that are none."""

from tito.source.catalogue import Alternative, Equivalent, Mistake

MISTAKES = [
    Mistake(
        "computes-at-once",
        "stand-in",
        "I called the function; then nothing is on the list.",
        solution=(
            "function = ufunc if method == '__call__' else getattr(ufunc, method)\n"
            "inputs = [getattr(x, 'example', x) for x in inputs]\n"
            "return function(*inputs, **settings)"
        ),
    ),
    Mistake(
        "methods-of-ufuncs-forgotten",
        "stand-in",
        "I noted the ufunc, also where its method reduce was called.",
        {'ufunc if method == "__call__" else getattr(ufunc, method)': "ufunc"},
    ),
    Mistake(
        "settings-forgotten",
        "stand-in",
        "I forgot the settings.",
        {"note(function, inputs, settings)": "note(function, inputs, {})"},
    ),
    Mistake(
        "returns-the-example",
        "note",
        "I returned what was computed; everything after it looks like a constant.",
        {
            "return self.finish(step, out, (inputs, settings))": (
                "self.finish(step, out, (inputs, settings))\n        return out"
            )
        },
    ),
    Mistake(
        "examples-on-the-list",
        "note",
        "I put the inputs on the list as they are, without numbers.",
        {"numbered(inputs)": "inputs"},
    ),
    Mistake(
        "writes-forgotten",
        "note",
        "I did not say what a step changes in place.",
        {"*given, writes": "*given, []"},
    ),
    Mistake(
        "line-forgotten",
        "note",
        "I did not keep the user's line.",
        {", users_line())": ")"},
    ),
    Mistake(
        "part-of-the-example",
        "functions-and-parts",
        "I took the part of the example.",
        {"self.tape.note(getitem, (self, index), {})": "self.example[index]"},
    ),
    Mistake(
        "writes-the-example-only",
        "functions-and-parts",
        "I changed the example, and noted nothing.",
        {
            "self.tape.note(setitem, (self, index, new), {})": (
                "self.example[index] = getattr(new, 'example', new)"
            )
        },
    ),
    Mistake(
        "looks-at-the-example",
        "what-cannot-be-traced",
        "I gave the truth of the example: the branch is frozen, without a word.",
        {'raise refused("bool")': "return bool(self.example)"},
    ),
    Mistake(
        "whole-numbers-of-the-example",
        "what-cannot-be-traced",
        "I gave the whole number of the example.",
        {'raise refused("index")': "return int(self.example)"},
    ),
    Mistake(
        "numbers-of-the-example",
        "what-cannot-be-traced",
        "I gave the number of the example.",
        solution="return self.example.__getattribute__('item')()",
    ),
    Mistake(
        "outputs-without-numbers",
        "trace",
        "I kept the stand-ins that come out, not their numbers.",
        {"numbered(function(*inputs))": "function(*inputs)"},
    ),
    Mistake(
        "groups-as-numbers",
        "trace",
        "I gave each value a group of its own, also views.",
        {"tape.kinds, tape.groups)": "tape.kinds, list(range(len(tape.kinds))))"},
    ),
    Mistake(
        "one-stand-in-after-the-other",
        "trace",
        "I made stand-ins of the arguments themselves, so tracing changes them.",
        {
            "inputs = on_tape(tape, arguments)": "inputs = [tape.value(a) for a in arguments]"
        },
        hidden="the visible functions change nothing in place",
    ),
    Mistake(
        "writes-over-values",
        "evaluate",
        "I kept the None of steps that only write.",
        {
            "        if step.out is not None:\n            values[step.out] = out": (
                "        values[step.out if step.out is not None else step.writes[0]] = out"
            )
        },
    ),
    Mistake(
        "settings-not-filled",
        "evaluate",
        "I called functions without their settings.",
        {"step.function(*inputs, **settings)": "step.function(*inputs)"},
        hidden="no visible step has settings that matter",
    ),
    Mistake(
        "forwards-only",
        "dead-steps",
        "I went from the first step to the last.",
        {
            "for step in reversed(program.steps):": "for step in program.steps:",
            "steps=steps[::-1]": "steps=steps",
        },
    ),
    Mistake(
        "writes-are-dead",
        "dead-steps",
        "I kept only steps with a result that is needed.",
        {"step.out in needed or changed & memory": "step.out in needed"},
    ),
    Mistake(
        "views-forgotten",
        "dead-steps",
        "I looked at the values that are written to, and not at their memory.",
        {"changed & memory": "set(step.writes) & needed"},
    ),
    Mistake(
        "inputs-are-nobodys",
        "dead-steps",
        "I needed only the outputs; what is written to an input goes.",
        {"needed = {*program.inputs, *[": "needed = {*["},
    ),
    Mistake(
        "whatever-writes-is-alive",
        "dead-steps",
        "I kept all steps that write.",
        {"changed & memory": "changed"},
        hidden="each visible write is needed",
    ),
    Mistake(
        "versions-forgotten",
        "common-steps",
        "I left out how often the inputs have been written to.",
        {"tuple(versions[group] for group in groups)": "()"},
    ),
    Mistake(
        "later-steps-not-renamed",
        "common-steps",
        "I did not rename the inputs of later steps.",
        {"        step = renamed(step, same)\n": ""},
    ),
    Mistake(
        "merges-what-is-written-to",
        "common-steps",
        "I merged arrays of which one is changed later.",
        {
            "    sharing = may_be_shared(program)\n": (
                "    sharing = lambda step: step.out is not None and not step.writes\n"
            )
        },
    ),
    Mistake(
        "outputs-not-renamed",
        "common-steps",
        "I left the outputs as they were.",
        {
            "joined(replace(program, steps=steps), same)": "replace(program, steps=steps)"
        },
        hidden="no visible output is merged",
    ),
    Mistake(
        "inputs-die",
        "needless-copies",
        "I let inputs die with their last use.",
        {
            "[*program.inputs, *[ref.number for ref in refs(program.outputs)]]": (
                "[ref.number for ref in refs(program.outputs)]"
            )
        },
    ),
    Mistake(
        "values-instead-of-groups",
        "needless-copies",
        "I counted the uses of each value; its views live longer.",
        {
            "                last[program.groups[n]] = place": "                last[n] = place",
            "last[program.groups[n]] == place": "last[n] == place",
        },
    ),
    Mistake(
        "all-copies-go",
        "needless-copies",
        "I dropped all copies.",
        {"n is not None and last[program.groups[n]] == place": "n is not None"},
    ),
    Mistake(
        "operators-into-buffers",
        "write-step",
        "I wrote an operator, also where the result has a buffer.",
        {"elif sign and not out:": "elif sign:"},
    ),
    Mistake(
        "settings-not-written",
        "write-step",
        "I forgot the settings.",
        {
            '[f"{name}={writer.text(x)}" for name, x in step.settings.items()]': "[]",
        },
    ),
    Mistake(
        "no-name-in-front",
        "write-step",
        "I forgot the name of the result.",
        {
            'return text if step.out is None else f"{writer.value(step.out)} = {text}"': (
                "return text"
            )
        },
    ),
    Mistake(
        "indices-as-inputs",
        "write-step",
        "I wrote the index like any other input; slice(1, None) is correct but hard to read.",
        {"{writer.index(step.inputs[1])}": "{given[1]}"},
    ),
    Mistake(
        "buffers-not-handed-on",
        "write-lines",
        "I forgot the buffers.",
        {', buffers.get(step.out, "")': ""},
    ),
    Mistake(
        "nothing-returned",
        "write-lines",
        "I forgot the last line.",
        {'    lines.append(f"    return {result_text(program, writer)}")\n': ""},
    ),
    Mistake(
        "released-too-early",
        "buffers",
        "I let the result of a matrix product go on top of its input.",
        {"        if elementwise(step):\n": "        if True:\n"},
    ),
    Mistake(
        "never-released",
        "buffers",
        "I never gave a buffer back.",
        {"free[kinds[name]].append(name)": "pass"},
    ),
    Mistake(
        "values-not-groups",
        "buffers",
        "I looked at values; memory that a view shows is never given back.",
        {"{program.groups[n] for n in used(step)}": "set(used(step))"},
        hidden="the results are right, and the visible programs are short",
    ),
    Mistake(
        "buffers-for-outputs",
        "buffers",
        "I gave every ufunc a buffer, also those whose result comes out.",
        {
            "if may_have_buffer(program, step, last):": (
                "if isinstance(step.function, np.ufunc) and not step.writes:"
            )
        },
    ),
    Mistake(
        "one-array-for-all",
        "buffers",
        "I forgot to share.",
        {
            "write_lines(program, writer, names)": "write_lines(program, writer, {})",
        },
        hidden="the results are the same",
    ),
    Mistake(
        "names-before-the-lines",
        "buffers",
        "I left out the constants and functions.",
        {"return text, writer.space,": "return text, {},"},
    ),
    Mistake(
        "any-single-number",
        "numbers",
        "I asked for one number, and not for double precision: float32 gets other bits.",
        {
            "program.kinds[n].type is np.float64": "program.kinds[n].shape == ()",
        },
    ),
    Mistake(
        "converts-each-time",
        "numbers",
        "I made a Python number at each use.",
        {"set(used(step)) - twins": "set(used(step))"},
    ),
    Mistake(
        "converts-results-too",
        "numbers",
        "I did not note that a result is Python's already.",
        {"twins |= {*used(step), step.out}": "twins |= set(used(step))"},
    ),
    Mistake(
        "pythons-number-comes-out",
        "numbers",
        "I left Python's numbers to those who want numpy's.",
        {
            "        if step.out in wanted:\n            steps.append(to_numpy(program, step.out))\n": ""
        },
    ),
    Mistake(
        "only-outputs-want-numpys",
        "numbers",
        "I converted only what comes out.",
        {
            "        if not same_in_python(program, step):\n            wanted |= set(used(step))\n": (
                "        pass\n"
            )
        },
    ),
    Mistake(
        "all-come-back",
        "numbers",
        "I converted every result back.",
        {"if step.out in wanted:": "if True:"},
    ),
    Mistake(
        "as-many-rows",
        "blocks",
        "I compared the rows only; a bias as long as the batch is cut.",
        {
            "len(kind.shape) == len(self.shape) and kind.shape[0]": "kind.shape[:1] and kind.shape[0]"
        },
    ),
    Mistake(
        "as-many-axes",
        "blocks",
        "I compared the axes only; one row for all is cut.",
        {
            "len(kind.shape) == len(self.shape) and kind.shape[0] == self.shape[0]": (
                "len(kind.shape) == len(self.shape)"
            )
        },
        hidden="no visible array has one row for all",
    ),
    Mistake(
        "everything-is-cut",
        "blocks",
        "I cut all arrays.",
        {"x[start:stop] if cut else x for": "x[start:stop] for"},
    ),
    Mistake(
        "last-piece-too-long",
        "blocks",
        "I asked for a whole piece at the end as well.",
        {"self.function(stop - start)": "self.function(self.length)"},
    ),
    Mistake(
        "one-piece",
        "blocks",
        "I took all rows as one piece; the numbers are right, and nothing is gained.",
        {
            "range(0, self.shape[0], self.length)": "range(0, 1)",
            "min(start + self.length, self.shape[0])": "self.shape[0]",
        },
    ),
    Mistake(
        "state-not-put",
        "state",
        "I called the step with the old state.",
        {"            slot.put(array)": "            slot.get()"},
    ),
    Mistake(
        "old-state-comes-out",
        "state",
        "I returned the state that went in.",
        {"[slot.get() for slot in slots]": "list(state)"},
    ),
    Mistake(
        "looks-before-the-step",
        "state",
        "I looked at the slots before the step.",
        solution=(
            "def pure(state, *arguments):\n"
            "    for slot, array in zip(slots, state):\n"
            "        slot.put(array)\n"
            "    new = [slot.get() for slot in slots]\n"
            "    return step(*arguments), new\n"
            "\n"
            "return pure"
        ),
    ),
    Mistake(
        "as-far-as-both-go",
        "trace-twice",
        "I compared only as far as the shorter one goes.",
        {"zip_longest(": "zip("},
    ),
    Mistake(
        "constants-by-identity",
        "trace-twice",
        "I compared constants by identity; arrays with the same numbers seem to differ.",
        {
            "described(step, by_value) != described(second, by_value)": (
                "described(step) != described(second)"
            )
        },
    ),
    Mistake(
        "functions-only",
        "trace-twice",
        "I compared the functions, not what they are given.",
        {
            "described(step, by_value) != described(second, by_value)": (
                "step.function != second.function"
            )
        },
    ),
    Mistake(
        "traces-each-time",
        "keep",
        "I forgot to keep the program.",
        {"        self.kept[call.key] = ready\n": ""},
    ),
    Mistake(
        "one-trace-is-enough",
        "keep",
        "I used a program that no second trace has confirmed.",
        {"known is not None and known.confirmed": "known is not None"},
    ),
    Mistake(
        "never-confirmed",
        "keep",
        "I traced, and kept the new program without comparing.",
        {
            "confirmed(prepare(call), known, self.kept.values(), first_difference)": "prepare(call)"
        },
    ),
    Mistake(
        "one-program-for-all",
        "keep",
        "I kept one program, whatever the shapes.",
        {
            "self.kept.get(call.key)": "self.kept.get(1)",
            "self.kept[call.key] = ready": "self.kept[1] = ready",
        },
    ),
]

ALTERNATIVES = [
    Alternative(
        "an-if",
        "stand-in",
        "With an if.",
        solution=(
            'if method == "__call__":\n'
            "    return self.tape.note(ufunc, inputs, settings)\n"
            "return self.tape.note(getattr(ufunc, method), inputs, settings)"
        ),
    ),
    Alternative(
        "by-name",
        "note",
        "The step's parts by name.",
        {
            "step = Step(function, *given, writes, users_line())": (
                "step = Step(function, inputs=given[0], settings=given[1],\n"
                "                    writes=writes, line=users_line())"
            )
        },
    ),
    Alternative(
        "a-dictionary",
        "functions-and-parts",
        "dict() for {}.",
        {"(self, index), {})": "(self, index), dict())"},
    ),
    Alternative(
        "error-first",
        "what-cannot-be-traced",
        "The error in a variable.",
        {'raise refused("bool")': 'error = refused("bool")\n        raise error'},
    ),
    Alternative(
        "program-by-name",
        "trace",
        "The program's parts by name.",
        {
            "Program(tape.steps, numbers, outputs, tape.kinds, tape.groups)": (
                "Program(steps=tape.steps, inputs=numbers, outputs=outputs,\n"
                "                   kinds=tape.kinds, groups=tape.groups)"
            )
        },
    ),
    Alternative(
        "filled-apart",
        "evaluate",
        "Inputs and settings one after the other.",
        {
            "inputs, settings = filled((step.inputs, step.settings), values.get)": (
                "inputs = filled(step.inputs, values.get)\n"
                "        settings = filled(step.settings, values.get)"
            )
        },
    ),
    Alternative(
        "in-front",
        "dead-steps",
        "Each step is put in front.",
        {"steps.append(step)": "steps.insert(0, step)", "steps[::-1]": "steps"},
    ),
    Alternative(
        "setdefault",
        "common-steps",
        "With one if for what may be shared.",
        {
            "        if sharing(step) and key in known:\n"
            "            same[step.out] = known[key]\n"
            "            continue\n"
            "        if sharing(step):\n"
            "            known[key] = step.out\n": (
                "        if sharing(step):\n"
                "            if key in known:\n"
                "                same[step.out] = known[key]\n"
                "                continue\n"
                "            known[key] = step.out\n"
            )
        },
    ),
    Alternative(
        "two-lists",
        "needless-copies",
        "The groups that live longest in a loop of their own.",
        {
            "    for n in [*program.inputs, *[ref.number for ref in refs(program.outputs)]]:\n"
            "        last[program.groups[n]] = len(program.steps)\n": (
                "    for n in program.inputs:\n"
                "        last[program.groups[n]] = len(program.steps)\n"
                "    for ref in refs(program.outputs):\n"
                "        last[program.groups[ref.number]] = len(program.steps)\n"
            )
        },
    ),
    Alternative(
        "parts-apart",
        "write-step",
        "getitem and setitem one after the other.",
        {
            "    if step.function in (getitem, setitem):\n"
            '        text = f"{given[0]}[{writer.index(step.inputs[1])}]"\n'
            '        text += f" = {given[2]}" if step.function is setitem else ""\n': (
                "    if step.function is getitem:\n"
                '        text = f"{given[0]}[{writer.index(step.inputs[1])}]"\n'
                "    elif step.function is setitem:\n"
                '        text = f"{given[0]}[{writer.index(step.inputs[1])}] = {given[2]}"\n'
            )
        },
    ),
    Alternative(
        "names-first",
        "write-lines",
        "The names of the inputs in a list.",
        {
            """lines = [f"def step({', '.join(map(writer.value, program.inputs))}):"]""": (
                "names = [writer.value(n) for n in program.inputs]\n"
                """    lines = ["def step(" + ", ".join(names) + "):"]"""
            )
        },
    ),
    Alternative(
        "oldest-first",
        "buffers",
        "The buffer that has been free for the longest time.",
        {"free[kind].pop()": "free[kind].pop(0)"},
    ),
    Alternative(
        "one-by-one",
        "buffers",
        "The buffers in a loop.",
        {
            "    return text, writer.space, {name: empty(kind) for name, kind in kinds.items()}": (
                "    arrays = {}\n"
                "    for name in kinds:\n"
                "        arrays[name] = empty(kinds[name])\n"
                "    return text, writer.space, arrays"
            )
        },
    ),
    Alternative(
        "from-the-end",
        "numbers",
        "What is wanted, found in one expression.",
        {
            "    wanted = {ref.number for ref in program.outputs}\n"
            "    for step in program.steps:\n"
            "        if not same_in_python(program, step):\n"
            "            wanted |= set(used(step))\n": (
                "    rest = [s for s in program.steps if not same_in_python(program, s)]\n"
                "    wanted = {n for s in rest for n in used(s)}\n"
                "    wanted |= {ref.number for ref in refs(program.outputs)}\n"
            )
        },
    ),
    Alternative(
        "a-while",
        "blocks",
        "With a while.",
        {
            "        for start in range(0, self.shape[0], self.length):\n"
            "            stop = min(start + self.length, self.shape[0])\n"
            "            step = self.function(stop - start)\n"
            "            step(*[x[start:stop] if cut else x for x, cut in zip(arrays, self.cut)])\n": (
                "        start = 0\n"
                "        while start < self.shape[0]:\n"
                "            given = [x[start : start + self.length] if cut else x\n"
                "                     for x, cut in zip(arrays, self.cut)]\n"
                "            many = min(self.length, self.shape[0] - start)\n"
                "            self.function(many)(*given)\n"
                "            start += many\n"
            )
        },
    ),
    Alternative(
        "shapes-in-front",
        "blocks",
        "Shapes of one length, and their first numbers.",
        {
            "len(kind.shape) == len(self.shape) and kind.shape[0] == self.shape[0]": (
                "(len(kind.shape), kind.shape[:1]) == (len(self.shape), self.shape[:1])"
            )
        },
    ),
    Alternative(
        "a-list-of-states",
        "state",
        "The new state in a variable.",
        {
            "        return outputs, [slot.get() for slot in slots]": (
                "        new = []\n"
                "        for slot in slots:\n"
                "            new.append(slot.get())\n"
                "        return outputs, new"
            )
        },
    ),
    Alternative(
        "one-question",
        "trace-twice",
        "Both questions in one.",
        solution=(
            "for a, b in zip_longest(one.steps, other.steps):\n"
            "    both = a is not None and b is not None\n"
            "    if not both or described(a, by_value) != described(b, by_value):\n"
            "        return a if b is None else b\n"
            "return None"
        ),
    ),
    Alternative(
        "if-it-must",
        "keep",
        "The other way round.",
        {
            "        if known is not None and known.confirmed:\n            return known\n": (
                "        if known is None or not known.confirmed:\n"
                "            return self.traced_again(call, known)\n"
                "        return known\n"
                "\n"
                "    def traced_again(self, call, known):\n"
            )
        },
    ),
]

EQUIVALENT = [
    Equivalent(
        "note",
        "return self.finish(step, out, (inputs, settings))",
        "return self.finish(step, out, (settings, inputs))",
        "they are only searched for stand-ins",
    ),
    Equivalent(
        "evaluate",
        "if step.out is not None:",
        "if True:",
        "no reference has the number None",
    ),
    Equivalent(
        "common-steps",
        "key = (described(step), tuple((versions[group] for group in groups)))",
        "key = (tuple((versions[group] for group in groups)), described(step))",
        "a key is only compared with others like it",
    ),
    Equivalent(
        "needless-copies",
        "for n in [*used(step), *step.writes, step.out]:",
        "for n in [*step.writes, *used(step), step.out]:",
        "all get the same place",
    ),
    Equivalent(
        "needless-copies",
        "for n in [*program.inputs, *[ref.number for ref in refs(program.outputs)]]:",
        "for n in [*[ref.number for ref in refs(program.outputs)], *program.inputs]:",
        "all get the same place",
    ),
    Equivalent(
        "write-step",
        "if step.function in (getitem, setitem):",
        "if step.function in (setitem, getitem):",
        "the order of a search among two",
    ),
    Equivalent(
        "write-lines",
        "line = write_step(step, writer, buffers.get(step.out, ''))",
        "line = write_step(step, writer, buffers.get(step.out))",
        "None is as empty as an empty text",
    ),
    Equivalent(
        "numbers",
        "return False",
        "return False * np.float64(1)",
        "it is only asked whether it is true",
    ),
    Equivalent(
        "numbers",
        "return all((program.kinds[n].type is np.float64 for n in used(step)))",
        "return all((program.kinds[n].type is np.float64 for n in used(step))) * np.float64(1)",
        "it is only asked whether it is true",
    ),
    Equivalent(
        "blocks",
        "return len(kind.shape) == len(self.shape) and kind.shape[0] == self.shape[0]",
        "return (len(kind.shape) == len(self.shape) and kind.shape[0] == self.shape[0]) "
        "* np.float64(1)",
        "it is only asked whether it is true",
    ),
    Equivalent(
        "blocks",
        "stop = min(start + self.length, self.shape[0])",
        "stop = min(self.shape[0], start + self.length)",
        "the smaller of two is the same in either order",
    ),
    Equivalent(
        "trace-twice", "return None", "return", "a function gives None by itself"
    ),
    Equivalent(
        "keep",
        "for clean in (without_dead, without_common, without_copies):",
        "for clean in (without_common, without_dead, without_copies):",
        "what is dead is dead before and after common steps are joined",
    ),
]
