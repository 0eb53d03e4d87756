#!/usr/bin/env python3
"""The explorer without a terminal: commands, settings and undo, played from scripts on the
golden model."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.app.explorer import COMPRESSOR, MODEL, SAMPLE, ScriptTest, main  # noqa: E402
from tests.app.harness import ROOT, call  # noqa: E402


class CommandsTest(ScriptTest):
    def test_expect_fails_with_line_and_screen(self):
        status, said = self.play('expect "never on the screen"')
        self.assertEqual(status, 1)
        self.assertIn('play.rc:3: expected "never on the screen" on the screen', said)
        self.assertIn("── Document ", said)

    def test_unknown_words_are_proposed(self):
        for line, message in (
                ("qiut", 'play.rc:3: unknown command "qiut", did you mean quit,'),
                ("u", 'unknown command "u", did you mean unit, undo or unbind?'),
                ("set epsilon 1", 'unknown setting "epsilon", did you mean "eps"?'),
                ("set eps 5", 'eps "5" is not in 0.005..2'),
                ("set window 1k", 'window "1k" is not in 16..512, the tokens of a segment'),
                ("norm row", 'norm "row" is unknown, expected window, token or slot'),
                ("goto 99999", "token 99999 is not in 0..1570"),
                ("goto w14", "window 14 is not in 1..13"),
                ("goto L9", "layer L9 is not in L0..L3"),
                ("range 9 3", "tokens 9 to 3 are not in 0..1570, in this order"),
                ("find pepper mill", '"pepper mill" is not in the document'),
                ("find \\a(b", 'expression "a(b": missing closing parenthesis'),
                ("turn now", 'turn wants no arguments; found "now"'),
                ("set slots 129", 'slots "129" is not in 1..128, the tokens of a window'),
                ("set keep 99", 'keep "99" is not in 100..100000'),
                ('set "eps', "a quotation mark is not closed"),
                ("bind Nokey turn", '"Nokey" is no key'),
                ("mute s40", "slot s40 is not in s0..s"),
                ("iter 31", "iteration 31 is not in 0..30"),
                ("undo", "nothing to undo"),
                ("regen", "no question yet · a asks one"),
                ("open no-such-file", "no-such-file: cannot open: No such file"),
                ("key F99", '"F99" is no key')):
            with self.subTest(line=line):
                status, said = self.play(line)
                self.assertNotEqual(status, 0)
                self.assertIn(message, said)

    def test_moves_and_looks(self):
        self.plays("goto 45%", 'expect "token 707 of 1571"',
                   "goto w3", 'expect "window 3 of 13"', "key ]", 'expect "window 4 of 13"',
                   "key {", 'expect "token 0 of 1571"', "goto 162", "key l", 'expect "token 163 of"',
                   "find coal", 'expect "token 5"', "unit word", 'expect "unit: word"',
                   "key w", 'expect "unit: sentence"', "colors magma", "key c",
                   'expect "colours: gray"', "scale log", "limits 0 0.5", "limits auto",
                   "view plan slot-share", 'expect "Plan: slot share"', "key %",
                   'expect "normalised by token"', "zoom plan", "key Esc", "turn",
                   "range 10 20", 'expect "range: tokens 10 to 20"', "key Esc", "range 11-21",
                   'expect "range: tokens 11 to 21"', "range 0..9", 'expect "range: tokens 0 to 9"',
                   "range off", "key V l l V",
                   'expect "range: tokens"')

    def test_a_move_ends_a_note(self):
        """The status line tells where the cursor is, after each move."""
        self.plays("copy", 'expect "copied:"', "move right", 'expect "token 1 "')
        self.fails(1, 'expected "copied:"', "copy", "move right", 'expect "copied:"')

    def test_a_match_further_on_ends_a_note(self):
        """That the search began anew is told of the match to which it led, not of those after."""
        wrapped = 'expect "search went on at the beginning"'
        self.plays("find salt", "key G", "key n", wrapped, "key n", 'expect "token "')
        self.fails(1, "expected", "find salt", "key G", "key n", "key n", wrapped)
        self.plays("find salt", "key g N", 'expect "search went on at the end"')

    def test_zoomed_answers_leave_room_for_the_text(self):
        """And tell which of them did not end by themselves."""
        self.plays("ask Who?", "wait idle", "zoom answers", 'expect "done · cut at 20"',
                   'expect "Document"', f'expect "{SAMPLE.read_text().split()[0]}"')

    def test_the_tallest_screens_compare_in_taller_rows(self):
        dump = self.home / "tall.txt"
        self.plays("pin", "set eps 0.5", "wait idle", "switch compare", "size 500x200",
                   f"screen {dump}")
        rows = dump.read_text().splitlines()
        slots = [i for i, row in enumerate(rows) if re.match(r" +s\d+│", row)]
        self.assertGreater(slots[1] - slots[0], 1)
        self.assertLess(sum(not row.strip() for row in rows), 70)

    def test_the_ends_of_windows_and_segments_are_told(self):
        for keys, told in (("G ]", "this is the last window"), ("g [", "this is the first window"),
                           ("G }", "this is the last segment"), ("g {", "this is the first segment")):
            self.plays(f"key {keys}", f'expect "{told}"')
        self.fails(1, "expected", "key G ]", "key [", 'expect "this is the"')

    def test_the_tour_speaks_of_the_document(self):
        """Of the designed words where it has them, else of others that it has."""
        self.plays("tour", "key T T", "expect \"Move over 'the' (Right), then\"",
                   "expect \"over 'coal' (/coal, Enter).\"", "key T T", "expect \"'the' sends little\"")
        other = self.home / "other.txt"
        other.write_text("Der Hafen liegt in der Bucht, und in der Werft lagen Schiffe.\n" * 20)
        self.plays("tour", "key T T",
                   "expect \"Move over 'in' (Right), then\"",
                   "expect \"over 'Schiffe' (/Schiffe, Enter).\"",
                   "find Schiffe", "key T T", "expect \"'in' sends little\"", document=other)
        other.write_text("\u6e2f\u53e3\u3002" * 40)
        self.plays("tour", "key T T", 'expect "Move along the text"', "key T T",
                   'expect "A token of little weight sends little"', document=other)

    def test_waiting_for_a_text(self):
        """It ends when the text is drawn, and with an error when that does not come in time."""
        self.plays('wait for "Plan" within 60s', "key ?", 'wait for "Keys here"', 'expect "Keys here"', "key Esc",
                   "ask What replaced peat?", 'wait for "done"')
        self.fails(1, 'expected "never there" on the screen within 0.2 s', 'wait for "never there" within 200ms')
        for odd in ('wait for "x" within', 'wait for "x" within soon', 'wait for "x" 5s', "wait for", "wait 5", "wait idle 5s", "wait"):
            self.fails(2, "wait wants idle, step N, for TEXT, for TEXT within 5s", odd)

    def test_help_tells_what_was_bound_anew(self):
        """A key of its own meaning leaves the line of its kind, and what it was is in sight."""
        self.plays("key ?", 'expect "v % c w            value norm colour unit"', "key Esc",
                   "bind w redo", "key ?", 'expect "w                  redo"',
                   'expect "c                  next colour map"',
                   'expect "Changed by bind: "', 'expect "was"')

    def test_hints_name_the_keys_of_now(self):
        """Lines of keys, refusals, notes, boxes, the title and the tour: no literal of a key that was moved."""
        moved = ("bind F9 prompt ask", "unbind a", "bind K zoom", "unbind z", "bind Q quit", "unbind q",
                 "bind F7 switch train", "unbind 4", "bind F8 help commands", "unbind F2")
        self.plays("size 80x24", *moved, "key Down", 'expect "F9 ask  spc lock  K zoom"', "size 120x36", "key Down",
                   'expect "F9 ask  K zoom"', 'expect " F7 Train"', "key F7", 'expect "[F7 Train]"', "key 1",
                   "key ?", 'expect "more: F8 commands"', "key Esc", "bind R regen", "unbind r", "goto 5",
                   "answers none", "ask Who?", "wait idle", "goto 5", "set eps 0.3", "wait idle", "pin", "switch compare",
                   "switch explore", "tour", "key T T T T T T T", "wait idle", 'expect "then R,"', "key T T",
                   'expect "regenerate (R)"', 'expect "key F7"', "bind W tour", "unbind T", "key PgUp", 'expect "W next"')
        self.fails(2, "cells grow in a zoomed pane only · K zooms", *moved, "zoom larger")
        self.fails(2, "no document is open · F9 opens one", "bind F9 open", "unbind O", "export plan x.png", document=None)

    def test_keys_bound_at_the_prompt(self):
        """What is taken is told, and how to have it again; `bind` alone lists, changed ones first."""
        self.plays("bind w redo", 'expect "w is \\"redo\\" now, was \\"unit next\\""', "key w",
                   'expect "redo: "', "bind w", 'expect "w: \\"redo\\" · bind w COMMAND changes it"',
                   "bind v turn", 'expect "was \\"view next\\" · Data Train Eval: as before"',
                   "bind", 'expect "redo (was unit next)"', "key Enter", 'expect ":bind v turn"', "key C-g",
                   "bind w unit next", "bind v view next", "key ?", 'expect "v % c w            value norm colour unit"', "key Esc",
                   "unbind w", 'expect "w does nothing now · :bind w unit next brings it back"', "key w",
                   'expect "w has no use in the Document pane"', "bind Plan w turn", "key ?",
                   'expect "Changed by bind: \\"w\\" was \\"unit next\\""',
                   'expect "Changed by bind: \\"w in Plan\\" was nothing"', "key Esc", "bind F6 turn",
                   "unbind F6", 'expect "F6 does nothing now"')

    def test_settings_that_differ_from_training_are_in_the_title(self):
        self.plays("set eps 0.3", "set ratio 8", "wait idle",
                   'expect "x8, trained x4 \u00b7 eps 0.3, trained 0.1"', "reset", "wait idle",
                   "set iterations 9", "wait idle", 'expect "9 iterations, trained 30"')

    def test_below_the_least_size_nothing_is_changed_unseen(self):
        self.plays("size 31x8", 'expect "comprexit needs 40x10, this is"', "key l l m ] 4",
                   "size 120x36", 'expect "token 0 of"', 'expect "[1 Explore]"')
        self.plays("key :", "type goto 9", "size 31x8", "key q", 'expect "never reached"')

    def test_boxes(self):
        self.plays("key ?", 'expect "Keys here: Explore"', "type redo", 'expect "C-r   "', 'expect ":redo"',
                   "key Backspace Backspace Backspace Backspace", "key Esc",
                   "key F2", 'expect "Commands"', "key Esc", "help words", 'expect "sender mass"',
                   "key Esc", "health", 'expect "Plan health"', "key Esc", "show",
                   'expect "brush.min   5%"', "key Esc", "info", "wait idle",
                   'expect "kernels "',
                   'expect "modelA F32, 3 layers x 64"', "key Esc", "key L", 'expect "Log"',
                   "key Esc", "switch train", 'expect "Train a compressor"', "switch explore",
                   "key O", 'expect "Type a path"', "key Esc", 'expect "token 0 of"')

    def test_the_start_screen_shows_its_filter(self):
        self.plays('expect "no document open"', "key /", "type tour", 'expect "/tour"',
                   'expect "> The guided tour"', "key Esc", 'expect "no document open"',
                   'expect "The demo"', document=None)

    def test_layout_is_as_wished(self):
        self.plays("layout narrow", 'expect "[Document]  Gates  Plan  Answers"', "layout auto",
                   'expect "── Layer gates"', "size 112x22", 'expect "[Document]"', "layout wide",
                   'expect "── Layer gates"', "size 100x40", 'expect "[Document]"', "layout wide",
                   'expect "layout: wide, as soon as the screen has 112x20"')

    def test_compressors_made_for_this_model_come_first(self):
        (self.home / "other.safetensors").write_bytes(
            (ROOT / "assets/default-x4.safetensors").read_bytes())
        (self.home / "zeta.safetensors").write_bytes(COMPRESSOR.read_bytes())
        (self.home / "broken.safetensors").write_bytes(b"not tensors")
        screen = self.home / "list.txt"
        self.plays("compressor", "wait idle", f"screen {screen}", "key Enter", "wait idle",
                   'expect "compressor zeta.safetensors is open"', "log",
                   'expect "modelA F32 · zeta"', folder=self.home)
        text = screen.read_text()
        self.assertLess(text.index("its sizes fit this model"), text.index("made for another model"))
        self.assertNotIn("broken", text)

    def test_settings_undo_and_mutes(self):
        self.plays("set eps 0.3", "set eps", 'expect "eps 0.3:"', "key u", "wait idle",
                   'expect "undone: iterations 30, eps 0.1,"', "key C-r", "wait idle",
                   'expect "done again: iterations 30, eps 0.3"', "focus plan", "mute s3",
                   'expect "w1:s3 is left out"', "wait idle", 'expect "s3 off"', "reset", "wait idle",
                   'expect "edits dropped"', "set eps", 'expect "eps 0.1:"', "key u", "set eps",
                   'expect "eps 0.3:"')

    def test_info_names_the_edits_of_a_figure(self):
        figure = self.home / "edited.svg"
        self.plays("wait idle", "range 20 40", "mute s3", "mass 20 2", "mute L1", "wait idle",
                   f"export plan {figure}", "wait idle")
        _, facts, _ = call("info", figure)
        for words in ("\n  mute_slot 3\n  token 20  mass 2\n  mute_layer 1\n", "20-40\n"):
            self.assertIn(words, facts.decode())

    def test_edits_by_hand(self):
        self.plays("goto 20", "key m", "wait idle", 'expect "token 20 \\"\\" sends nothing; r"',
                   "key l h", 'expect "mass 0.00x even"', "focus plan", 'expect "1 edit: "', "key u",
                   "wait idle", "focus document", "key > >", "wait idle",
                   'expect "may send 4x of what was learned"', "key < < <", "wait idle",
                   'expect "may send 0.5x"', "reset", "wait idle", "mute L1", "wait idle",
                   'expect "L1 is shut"', "focus gates", 'expect "L1 off"', "only L2", "wait idle",
                   'expect "L2 is the only layer taken from"', 'expect "mean entropy 0.00 bits"',
                   "key u", "wait idle", "key C-r", 'expect ", 1 edit "', "wait idle",
                   "only L2", "wait idle", 'expect "every layer is open again"', "only w1:s3",
                   "wait idle", 'expect "only s3"', "undo", "wait idle", 'mute "salt"',
                   "wait idle", 'expect "sends nothing"', "mass even", "wait idle",
                   'expect "even mass"', "shuffle", "wait idle", 'expect "shuffled spans"',
                   "pool mean", "wait idle", 'expect "means of home spans"', "reset", "wait idle",
                   "truncate 300", 'expect "range: tokens 1271 to 1570"', "truncate off")
        for line, message in (("mute L4", "layer L4 is not in L0..L3"),
                              ("only 7", "only wants a slot or a layer"),
                              ("mass 3", 'mass "3" is unknown, expected half, double or even'),
                              ("mass 3 900", "a factor 0..64"), ("mass s3 2", "no token"),
                              ("mute xyzzy", '"xyzzy" is no token, layer or slot, nor in'),
                              ("truncate 9999", "has only 1571 tokens"),
                              ("pool max", "pool \"max\" is unknown")):
            with self.subTest(line=line):
                status, said = self.play(line)
                self.assertNotEqual(status, 0)
                self.assertIn(message, said)

    def test_muted_slots_may_leave_the_plan(self):
        self.plays("wait idle", "focus plan", "goto s0", "mute s0 rebalance", "wait idle",
                  'expect "w1:s0 is left out, and the plan is solved for the rest"',
                  'expect "1 edit: s0 off, balanced anew"', "zoom plan", "zoom larger",
                  "zoom larger", "wait idle", 'expect "0%"', "zoom off", "undo", "wait idle",
                  "redo", "wait idle", 'expect "balanced anew"', "mute s0", "wait idle",
                  'expect "w1:s0 is taken in again"')
        self.fails(2, "mute wants a slot with rebalance", "mute L0 rebalance")

    def test_shuffled_with_a_seed(self):
        self.plays("wait idle", "shuffle 7", "wait idle", 'expect "1 edit: shuffled spans 7"',
                  'expect "are of a random order, seed 7"', "shuffle off", "wait idle",
                  'expect "are in the order of the text"')
        self.fails(2, "wants a seed", "shuffle x")

    def test_shut_layers_leave_one(self):
        status, said = self.play("mute L0", "mute L1", "mute L2", "wait idle", "mute L3")
        self.assertNotEqual(status, 0)
        self.assertIn("one layer must stay, L3 is the last one", said)

    def test_the_plan_begins_at_the_slot_of_the_token(self):
        dump = self.home / "screen.txt"
        self.plays("size 120x36", "goto 162", f"screen! {dump}")
        slot = re.search(r"sends (s\d+)", dump.read_text()).group(1)
        self.plays("goto 162", "focus plan", "zoom plan", f'expect "{slot} x token 162"', "key j h",
                   f'expect "s{int(slot[1:]) + 1} x token 161"')

    def test_turned_plan(self):
        """Tokens go down in the plan of four panes, of one and zoomed; the arrows go with them."""
        for size in ("120x36", "80x24", "40x10"):
            with self.subTest(size=size):
                self.plays(f"size {size}", "goto 20", "focus plan", "key t", 'expect " token    "',
                           "key Down", 'expect "token 21 "', "key Right", 'expect "slot s"',
                           "zoom", 'expect " token    "', "zoom", "key t Right",
                           'expect "token 22 "')
                self.fails(1, 'expected " token    "', f"size {size}", "focus plan", "key t t",
                           'expect " token    "')

    def test_zoom_down_to_numbers(self):
        self.plays("goto 162", "zoom plan", "key +", 'expect "Plan (zoom: cells)"', "key +",
                   'expect "Plan (zoom: numbers)"', 'expect "is made of"', "key -",
                   'expect "Plan (zoom: cells)"', "key + l l j", 'expect "of the slot"')

    def test_zoom_of_the_gates_down_to_numbers(self):
        self.plays("goto 162", "zoom gates", 'expect "Layer gates (zoom)"', 'expect "x even"',
                   "key +", 'expect "Layer gates (zoom: cells)"', "key +",
                   'expect "Layer gates (zoom: numbers)"', 'expect "gate in %"',
                   'expect "is taken most by"', "norm token", 'expect "by token"',
                   "norm window", "unit word", 'expect "is taken most by"', "unit token",
                   "view gates entropy", 'expect "entropy in bits"', 'expect "at most"',
                   "zoom document", "key +", 'expect "a text has no cells"')

    def test_what_compression_costs(self):
        self.plays("goto 300", "loss", "wait idle", 'expect " nats · 300/1571"',
                   'expect "full "',
                   'expect "costs "', "range 0 200", "loss", "wait idle", "goto 50",
                   'expect "nothing is compressed before"', "loss off", "range off")
        self.fails(2, "the control is of a question", "control")
        self.plays("gold peat", "answers none", "ask What heated the pans?", "wait idle",
                   "range 0 800",
                   "control", "wait idle", 'expect "does not fit into the model"', 'expect "How much is about this text"',
                   'expect "of harbour.txt"')

    def test_continuations(self):
        self.plays("answers full,compressed", "goto w2", "continue", "wait idle",
                   'expect "ask> (continue after token "', 'expect "done"', "ask Who pays?",
                   "wait idle", 'expect "ask> Who pays?"')

    def test_compare(self):
        self.plays("switch compare", 'expect "b pins what Explore shows as A"', "switch explore",
                   "pin", 'expect "pinned as A"', "set eps 0.4", "wait idle", "key 2",
                   'expect "A  compressorA · eps 0.1"', 'expect "B - A"',
                   'expect "of the mass"', 'expect "overlap"', "key l j ]", "key B",
                   'expect "A - B"', "key f", "key f B", "size 80x24", "key Tab",
                   "size 120x36", "set ratio 8", "wait idle",
                   'expect "other windows or slots: rows are home spans"', "compare off",
                   'expect "Document"')
        self.fails(2, "nothing is pinned · b pins what Explore shows", "compare")

    def test_keys_without_use_in_compare(self):
        self.plays("goto 20", "key 2", "key Right", 'expect "Right has no use in the Compare screen"',
                   "key Home", 'expect "Home has no use in the Compare screen"', "key 1",
                   'expect "token 20 "', "key b 2 z", 'expect "z has no use in the Compare screen"',
                   "key s", 'expect "s has no use in the Compare screen"', "key Enter",
                   'expect "Enter has no use in the Compare screen"', "key ?",
                   'expect "Keys here: Compare"', "key Esc Right", 'expect "token 21 "')

    def test_pins_with_names(self):
        self.plays("pin soft", 'expect "compare soft makes it A again"', "set eps 0.4", "wait idle",
                   "pin sharp one", "set eps 0.2", "wait idle", "compare soft",
                   'expect "A  compressorA · eps 0.1"', "switch explore", "compare sharp one",
                   'expect "A  compressorA · eps 0.4"', 'expect "sharp one"', "compare off",
                   "compare soft", 'expect "A  compressorA · eps 0.1"')

    def test_pins_are_kept_in_the_session_file(self):
        """Those with names, and A; a pin of another document brings that along."""
        session, other = self.home / "pins.cxt", self.home / "other.txt"
        other.write_text("Peat was cut on the moor, and dried for a summer. " * 12)
        self.plays("pin soft", f"open {other}", "wait idle", "pin other", f"open {SAMPLE}",
                   "wait idle", "set eps 0.4", "wait idle", "pin", "set eps 0.2", "wait idle",
                   f"save {session}")
        look = ("switch compare", 'expect "A  compressorA · eps 0.4"', "compare soft",
                'expect "A  compressorA · eps 0.1"', 'expect "soft"', "compare other",
                'expect "other"')
        self.plays(f"restore {session}", *look, document=None)
        self.plays(*look, document=session, options=("--sandbox", "off"))
        # without the text, which comes back from beside it
        self.plays(f"restore {session}", "switch explore", f"save! notext {session}",
                   f"restore {session}", *look, document=None)
        self.plays("pin mine", f"restore {session}", "compare mine",
                   'expect "A  compressorA · eps 0.1"')

    def test_compare_with_a_checkpoint(self):
        self.plays(f"compare {COMPRESSOR}", "wait idle", 'expect "[2 Compare]"',
                   'expect "moved 0% of the mass"')
        self.fails(3, "nothing.safetensors", "compare nothing.safetensors", "wait idle")

    def test_tour(self):
        steps = ("Read once, frozen", "Down the layers", "Anchor", "How much may it say?",
                 "Who carries it?", "Balance", "Sharp or soft?", "Look back", "Break it")
        self.plays("key T", 'expect "1 of 10 · The bill"', 'expect "1571 tokens. ComprExIT"',
                   *(line for i, title in enumerate(steps)
                     for line in ("key T", "wait idle", f'expect "{i + 2} of 10 · {title}"')),
                   "tour back", 'expect "9 of 10"', "tour off", "strip off", "size 40x13",
                   "key T", "size 30x8", "size 120x36", "key Esc", 'expect "token 0 of 1571"')

    def test_captions_count_what_is_shown(self):
        """The last window of the sample is a shorter one here, with fewer tokens and slots."""
        self.plays("wait idle", "key G T", "tour", "tour", "tour", "tour", "wait idle",
                   'expect "even share is 1/35"', "tour", "wait idle", 'expect "9 slots of equal"')

    def test_going_back_restores(self):
        script = self.home / "talk.rc"
        script.write_text('goto 300\nsay "one"\nnote "slowly"\nset eps 0.4\nmute 20\n'
                          'goto w2\nfocus plan\nsay "two"\n')
        self.plays(f"present {script}", 'expect "one"', "key Space", "wait idle", 'expect "two"',
                   'expect "1 edit"', "key PgUp", "wait idle", 'expect "one"', "key F5",
                   "set eps", 'expect "eps 0.1:"', f"present {script}", "key l .", "key .",
                   "key Right", 'expect "two"', "key Right", 'expect "the end"', "say hello there",
                   'expect "hello there"', "say", "key T", 'expect "1 of 10"')
        (self.home / "none.rc").write_text("goto 3\n")
        self.fails(3, "nothing to present", f"present {self.home / 'none.rc'}")
        self.plays('expect "one"', options=("--present", script))
        # with one word behind it, which may be the document
        for words in ([SAMPLE, "--present"], ["--present", SAMPLE]):
            self.plays('expect "1 of 10"', 'expect "1571 tokens"', document=None, options=words)
        self.plays('expect "one"', document=None, options=("--present", script, SAMPLE))

    def test_session_opens_without_the_model(self):
        session = self.home / "one.cxt"
        self.plays("set eps 0.3", "wait idle", "answers none", "ask Who pays?", "wait idle",
                   "goto 300", "view plan likeness", "mute s2", "wait idle", f"save {session}",
                   'expect "it opens without the model"', f"screen {self.home / 'before.txt'}")
        self.fails(2, "is there already · save! overwrites it", f"save {session}")
        again = ('expect "window 3 of 13"', "view next", 'expect "Plan: cost"', 'expect "s2 off"',
                 'expect "ask> Who pays?"', "goto 10", "size 176x50", "iter 3",
                 'expect "iter 3/30 · eps 0.30"')
        script = self.home / "again.rc"
        script.write_text("\n".join(("size 120x36", "wait idle", *again)) + "\n")
        status, _, said = call(session, "-m", self.home / "none.gguf", "--play", script,
                               "--headless", environment={"XDG_STATE_HOME": str(self.home)})
        self.assertEqual(status, 0, said.decode())
        self.fails(2, "this session was restored: it needs modelA", f"restore {session}", "regen")
        self.fails(2, "this session was restored", f"restore {session}", "set eps 0.2")
        self.plays(f"compare {session}", 'expect "A  compressorA · eps 0.1"',
                   'expect "B  compressorA · eps 0.3 · one.cxt"', 'expect "+ in B  - in A"',
                   'expect "of the mass"', "swap", 'expect "A - B"', f"restore {session}", f"open {SAMPLE}", "wait idle",
                   "set eps 0.2", "wait idle", "set eps", 'expect "eps 0.2:"')

    def test_what_is_recorded_plays_again(self):
        script, one, two = (self.home / name for name in ("hand.rc", "one.txt", "two.txt"))
        self.plays(f"record {script}", 'expect "recording into"', "key l l w", "key :",
                   "type set eps 0.4", "key Enter", "wait idle", "key /", "type salt", "key Enter",
                   "key Tab Tab s", "record off", "key l h", f"screen {one}")
        self.assertEqual(script.read_text().count("wait idle\n"), 8)
        self.assertIn("find salt\n", script.read_text())
        script.write_text(script.read_text() + f"wait idle\nkey l h\nscreen {two}\n")
        status, _, said = call(SAMPLE, "-m", MODEL, "-c", COMPRESSOR, "--play", script, "--headless",
                               environment={"XDG_STATE_HOME": str(self.home)})
        self.assertEqual(status, 0, said.decode())
        self.assertEqual(one.read_text(), two.read_text())
        self.fails(2, "is there already · record! overwrites", f"record {script}")
        self.fails(2, "nothing is recorded", "record off")

    def test_damaged_session_files(self):
        session, bad = self.home / "one.cxt", self.home / "bad.cxt"
        self.plays("goto 5", "pin one", f"save {session}", "copy", 'expect "copied: token 5"')
        data = session.read_bytes()
        size = int.from_bytes(data[:8], "little")
        for damaged in (data[:200], data[:-40], data.replace(b'"span.0"', b'"spam.0"'),
                        data.replace(b'"pin0/span.0"', b'"pin0/spam.0"'),
                        data.replace(b'\\"name\\":\\"one\\"', b'\\"nama\\":\\"one\\"'),
                        data.replace(b'"window-first"', b'"window-least"'[:14]),
                        data[:8 + size] + b"\xff" * (len(data) - 8 - size)):
            bad.write_bytes(damaged)
            status, said = self.play(f"restore {bad}")
            self.assertEqual(status, 3, said)
            self.assertIn("bad.cxt: ", said)

    def test_stale_answers(self):
        self.plays("answers compressed,none", "ask What replaced peat?", "wait idle",
                   'expect "done"', "set eps 0.5", "wait idle", 'expect "stale"', "regen",
                   "wait idle", "focus plan", "mute s1", "wait idle", 'expect "stale"')

    def test_answers_of_another_range_are_stale(self):
        ask = ("answers compressed", "ask What replaced peat?", "wait idle")
        done, stale, there = (self.home / name for name in ("a.csv", "b.csv", "there.cxt"))
        self.plays(*ask, "range 10 60", 'expect "stale"', "key r", "wait idle",
                   f"export answers {done}", "truncate 300", f"export answers {stale}",
                   f"save {there}")
        self.assertIn(",done,", done.read_text())
        self.assertIn(",stale,", stale.read_text())
        self.plays(f"restore {there}", "wait idle", 'expect "stale"')
        for same in ("range off", "key Esc", "range 0 1570"):
            with self.subTest(same=same):
                self.fails(1, 'expected "stale"', *ask, "range 10 60", same, 'expect "stale"')
        self.fails(1, 'expected "stale"', "answers none", *ask[1:], "range 10 60",
                   'expect "stale"')

    def test_brackets_of_a_text_stay(self):
        """Messages mark keys with such brackets; those of a text that is no key are its own."""
        self.fails(2, "w\u2045n.m.\u2046", "goto w\u2045n.m.\u2046")

    def test_a_stale_answer_is_not_compared(self):
        ask = ("size 120x36", "answers compressed", "ask What replaced peat?", "wait idle", "pin",
               "set ratio 16", "wait idle", "switch compare")
        self.plays(*ask, "expect \"answers: B's is stale, r asks again\"", 'expect "stale:"',
                   "key B", 'expect "A - B"', "expect \"answers: B's is stale, r asks again\"", "key r", "wait idle",
                   'expect "answers: 1 word differs"')
        self.fails(1, 'expected "F1"', *ask, 'expect "F1"')

    def test_a_small_list_shows_its_choice(self):
        self.plays("size 40x10", "switch train", 'expect "> Data"', 'expect "Phase "', "train data=a.txt",
                   'expect "> Dry run"')

    def test_what_was_set_again_is_not_stale(self):
        ask = ("answers compressed", "ask What replaced peat?", "wait idle", "set eps 0.5",
               "wait idle", 'expect "stale"')
        self.fails(1, 'expected "stale"', *ask, "undo", "wait idle", 'expect "stale"')
        self.plays(*ask, "undo", "set window 32", "wait idle", 'expect "stale"')

    def test_another_run_shows_what_changed(self):
        ask = ("size 120x36", "answers compressed", "ask What replaced peat?", "wait idle")
        again = ("set ratio 16", "wait idle", "regen", "wait idle", 'expect "{+"')
        self.plays(*ask, *again, 'expect "[-"')
        self.fails(1, 'expected "{+"', *ask, "view answers full", *again)

    def test_answers_of_a_range_that_grows_backwards(self):
        self.plays("goto 40", "key V", "goto 20", "ask What replaced peat?", "wait idle",
                   'expect "done"', "health", 'expect "Plan health: tokens 20 to 40"', "key Esc",
                   "key V", 'expect "range: tokens 20 to 40"', "goto 60", "log",
                   'expect "range: tokens 20 to 40"')

    def test_answers_about_another_range_are_stale(self):
        ask = ("size 160x40", "range 200 300", 'expect "slots of windows 2 to 3;"',
               "ask What replaced peat?", "wait idle", 'expect "64 slots (4.0x)"', 'expect "101 tokens"')
        self.fails(1, 'expected "stale"', *ask, 'expect "stale"')
        self.plays(*ask, "key Esc", 'expect "Full context (stale: r asks again)"',
                   'expect "Compressed (stale: r asks again)"')
        self.fails(1, 'expected "stale"', *ask, "range off", "range 200 300", 'expect "stale"')
        self.fails(1, 'expected "stale"', *ask, "key Esc", "regen", "wait idle", 'expect "stale"')
        self.fails(1, 'expected "stale"', *ask, "set live on", "key Esc", "wait idle", 'expect "stale"')

    def test_where_an_answer_looked_is_not_shown_on_other_slots(self):
        ask = ("goto 162", "ask What replaced peat?", "wait idle", "focus answers",
               "goto compressed:0", 'expect "looked at: "', 'expect "looked at \\""')
        gone = ("expect \"it looked at slots that are no more: r asks again\"",)
        for setting in ("ratio 8", "window 64", "align head"):
            change = (f"set {setting}", "wait idle", "focus answers", "goto compressed:0")
            self.plays(*ask, *change, *gone, "undo", "wait idle", "goto compressed:0",
                       'expect "looked at \\""')
            self.fails(1, 'expected "looked at: "', *ask, *change, 'expect "looked at: "')
        self.plays(*ask, "set eps 0.4", "wait idle", 'expect "looked at: "')

    def test_slots_are_counted_over_unread_parts(self):
        self.plays("range 1540 1560", "answers compressed", "ask What replaced peat?", "wait idle",
                   "focus answers", "follow", 'expect "window 13 of 13"')

    def test_iterations(self):
        self.plays("size 176x50", "iter 0", 'expect "before balancing"', "key .",
                   'expect "iter 1/30"', "iter last", 'expect "iter 30/30"', "key ,",
                   'expect "iter 29/30"', "key . .", 'expect "iter 30/30"')

    def test_prompt(self):
        self.plays("key :", "type set ep", "key Tab", 'expect ":set eps"', "type 0.4", "key Enter",
                   "wait idle", "set eps", 'expect "eps 0.4:"', "key /", "type salt", "key Enter",
                   'expect "token "', "key a", "type never asked", "key C-g", "key s Right Up",
                   "wait idle", "set eps", 'expect "eps 0.5:"')
        offers = ("key :", "type step ", "key Tab Tab")
        self.plays(*offers, 'expect "back  on"', "key C-g", 'expect "token 0 "')
        self.fails(1, "expected", *offers, "key C-g", 'expect "back  on"')

    def test_same_script_same_screen(self):
        for name in ("one", "two"):
            self.plays("goto 300", "view plan likeness", "set eps 0.2", "wait idle",
                       f"screen {self.home / name}.txt")
        self.assertEqual((self.home / "one.txt").read_bytes(), (self.home / "two.txt").read_bytes())

    def test_sizes(self):
        for size in ("1x1", "31x8", "40x10", "64x16", "80x24", "112x30", "500x300"):
            self.plays(f"size {size}", "key Tab j l z ? Esc Esc s Esc",
                       f"screen {self.home / 'any.txt'}")


if __name__ == "__main__":
    main()
