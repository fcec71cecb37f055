package main

import (
	"reflect"
	"slices"
	"testing"
)

func words(code ...ins) []ins { return code }

func TestArgumentsAreTaken(t *testing.T) {
	sp, three, four := ins{op: opLocalGet, arg: 1}, ins{op: opLocalGet, arg: 3}, ins{op: opLocalGet, arg: 4}
	store := func(off int64) ins { return ins{op: opI64Store, off: off} }
	load := func(off int64) ins { return ins{op: opI64Load, off: off} }
	for name, c := range map[string]struct {
		code, rest, values []ins
		from, first        int64
		n                  int
	}{
		"two words":           {words(sp, three, store(0), sp, four, store(8)), nil, words(three, four), 0, 0, 2},
		"in another order":    {words(sp, four, store(8), sp, three, store(0)), nil, words(three, four), 0, 0, 2},
		"a byte stays":        {words(sp, three, store(0), sp, four, ins{op: opStoreByte, off: 8}), words(sp, four, ins{op: opStoreByte, off: 8}), words(three), 0, 0, 1},
		"what came before":    {words(ins{op: opI32Const}, ins{op: opGlobalSet}, sp, three, store(0)), words(ins{op: opI32Const}, ins{op: opGlobalSet}), words(three), 0, 0, 1},
		"results, from 24 on": {words(sp, three, store(32), sp, four, store(40)), nil, words(three, four), 24, 32, 2},
		"none at 0":           {words(sp, three, store(8)), words(sp, three, store(8)), nil, 0, 0, 0},
		"a value that another store would change": {
			words(sp, three, store(0), sp, sp, load(0), store(8)), words(sp, three, store(0), sp, sp, load(0), store(8)), nil, 0, 0, 0,
		},
		"the same word twice": {words(sp, three, store(0), sp, four, store(0)), words(sp, three, store(0)), words(four), 0, 0, 1},
		"a byte of a word that was cleared": {
			words(sp, ins{op: opI64Const}, store(0), sp, four, ins{op: opStoreByte, off: 7}),
			words(sp, ins{op: opI64Const}, store(0), sp, four, ins{op: opStoreByte, off: 7}), nil, 0, 0, 0,
		},
	} {
		rest, values, first, n := newShrinker(&helpers{}).takeArguments(c.code, c.from)
		if n != c.n || first != c.first || len(rest)+len(c.rest) > 0 && !reflect.DeepEqual(rest, c.rest) || len(values)+len(c.values) > 0 && !reflect.DeepEqual(values, c.values) {
			t.Errorf("%s: left %v, took %v, %d words from %d on; want %v, %v, %d from %d on", name, rest, values, n, first, c.rest, c.values, c.n, c.first)
		}
	}
}

// TestCallsThatAreNotResumed asks of functions whether they may be left by unwinding, and be resumed.
func TestCallsThatAreNotResumed(t *testing.T) {
	call := func(function int64) []ins { return []ins{{op: opCall, arg: function}, {op: opReturn}} }
	const imports = 1
	names := []string{"leaf", "runtime.gopanic", "panics", "switches", "waits", "asks the host", flushName, "flushes"}
	bodies := []body{
		{code: []ins{{op: opI32Const}, {op: opReturn}}},
		{code: call(imports + 3)},
		{code: call(imports + 1)},
		{code: []ins{{op: opI32Const, arg: 1}, {op: opReturn}}},
		{code: call(imports + 3)},
		{code: call(0)},
		{code: call(imports + 3)},
		{code: call(imports + 6)},
	}
	functions := make([]function, len(names))
	for i, name := range names {
		functions[i] = function{name: name, record: make([]byte, recordSize)}
	}
	c := newCallees(imports, functions, bodies, make([]fate, len(bodies)))
	for i, want := range []struct{ resumes, unwinds bool }{
		0: {false, false}, 2: {false, true}, 3: {true, true}, 4: {true, true}, 5: {true, true}, 6: {false, false}, 7: {false, false},
	} {
		if i != 1 && (c.resumes[i] != want.resumes || c.unwinds[i] != want.unwinds) {
			t.Errorf("%s: resumed %v, unwinds %v; want %v and %v", names[i], c.resumes[i], c.unwinds[i], want.resumes, want.unwinds)
		}
	}
}

// TestDeadLocalsGo runs a loop in which one local is read the next time round, and another one never.
func TestDeadLocalsGo(t *testing.T) {
	s := &shrinker{helpers: &helpers{}, dispatch: -1, loop: -1, variables: map[int64]bool{}}
	kept, dead := int64(3), int64(4)
	s.out = []ins{
		{op: opI64Const, arg: 7},
		{op: opLocalSet, arg: kept},
		{op: opLoop, arg: noResult},
		{op: opI64Const, arg: 9},
		{op: opLocalSet, arg: dead},
		{op: opLocalGet, arg: kept},
		{op: opLocalTee, arg: kept},
		{op: opLocalTee, arg: dead},
		{op: opI64Eqz},
		{op: opBrIf},
		{op: opEnd},
		{op: opI32Const},
		{op: opEnd},
	}
	s.dropDead(s.newFlow(nil))
	want := []ins{
		{op: opI64Const, arg: 7},
		{op: opLocalSet, arg: kept},
		{op: opLoop, arg: noResult},
		{op: opLocalGet, arg: kept},
		{op: opLocalTee, arg: kept},
		{op: opI64Eqz},
		{op: opBrIf},
		{op: opEnd},
		{op: opI32Const},
		{op: opEnd},
	}
	if !reflect.DeepEqual(s.out, want) {
		t.Errorf("left %v, want %v", s.out, want)
	}
}

// TestReloadsGo loads a word of the frame behind a call, where a local holds it if the call is not resumed, or if it is a word that
// the callee may not change.
func TestReloadsGo(t *testing.T) {
	for name, c := range map[string]struct {
		resumes bool
		slot    int64
		pointer bool // the word belongs to a variable
		stays   bool
	}{
		"a call that is not resumed": {slot: 16},
		"one that may be":            {slot: 16, resumes: true, stays: true},
		"an argument":                {slot: 0, stays: true},
		"a variable":                 {slot: 16, pointer: true, stays: true},
	} {
		h := &helpers{first: 1, callees: &callees{resumes: []bool{c.resumes}, unwinds: []bool{c.resumes}, args: []int{8}}}
		s := &shrinker{helpers: h, dispatch: -1, loop: -1, variables: map[int64]bool{c.slot: c.pointer}}
		s.out = []ins{
			{op: opLocalGet, arg: 1},
			{op: opLocalGet, arg: 3},
			{op: opI64Store, off: c.slot},
			{op: opCall},
			{op: opDrop},
			{op: opLocalGet, arg: 1},
			{op: opI64Load, off: c.slot},
			{op: opLocalSet, arg: 3},
			{op: opI32Const},
			{op: opEnd},
		}
		before := len(s.out)
		s.dropReloads(s.newFlow(nil))
		if stays := len(s.out) == before; stays != c.stays {
			t.Errorf("%s: the load stays: %v, want %v", name, stays, c.stays)
		}
	}
}

// TestVariablesAreNoted stores into words of the frame: what is reached by an address belongs to a variable, which pointers may lead
// to, also where the frame begins and nothing is added to the stack pointer.
func TestVariablesAreNoted(t *testing.T) {
	sp, value := ins{op: opLocalGet, arg: 1}, ins{op: opLocalGet, arg: 3}
	extend, wrap, store := ins{op: opExtendU}, ins{op: opI32WrapI64}, ins{op: opI64Store, off: 16}
	for name, c := range map[string]struct {
		code []ins
		want map[int64]bool
	}{
		"a word of the compiler's own":          {words(sp, value, store), map[int64]bool{}},
		"a variable":                            {words(sp, extend, ins{op: opI64Const, arg: 8}, ins{op: opI64Add}, wrap, value, store), map[int64]bool{24: true}},
		"a variable that the frame begins with": {words(sp, extend, wrap, value, store), map[int64]bool{16: true}},
		"one behind a call that is not of Go":   {words(ins{op: opGlobalGet}, ins{op: opLocalSet, arg: 1}, sp, extend, wrap, value, store), map[int64]bool{16: true}},
		"a word of it that is loaded":           {words(sp, extend, wrap, ins{op: opI64Load, off: 8}), map[int64]bool{8: true}},
	} {
		s := newShrinker(&helpers{})
		for _, in := range append(words(ins{op: opI32Const}, ins{op: opDrop}), c.code...) {
			s.add(in)
		}
		if !reflect.DeepEqual(s.variables, c.want) {
			t.Errorf("%s: variables at %v, want %v", name, s.variables, c.want)
		}
	}
}

// TestArgumentsMadeOfVariables passes what is loaded by a pointer, before a variable is stored: it is taken only if the pointer leads
// elsewhere.
func TestArgumentsMadeOfVariables(t *testing.T) {
	sp, pointer := ins{op: opLocalGet, arg: 1}, ins{op: opLocalGet, arg: 3}
	code := words(
		sp, pointer, ins{op: opI32WrapI64}, ins{op: opI64Load}, ins{op: opI64Store},
		sp, ins{op: opLocalGet, arg: 4}, ins{op: opI64Store, off: 16},
	)
	for name, c := range map[string]struct {
		variable, held bool
		taken          int
	}{
		"a word that is no variable":            {held: true, taken: 1},
		"a variable that nothing points to":     {variable: true, taken: 1},
		"a variable that the pointer may be of": {variable: true, held: true},
	} {
		s := newShrinker(&helpers{})
		s.variables[16] = c.variable
		if c.held {
			s.out = words(sp, ins{op: opExtendU}, ins{op: opLocalSet, arg: 3})
		}
		if _, _, _, n := s.takeArguments(code, 0); n != c.taken {
			t.Errorf("%s: %d words taken, want %d", name, n, c.taken)
		}
	}
}

// TestSpillsGo stores a word of the frame, which goes if it is the compiler's own, and nothing reads it.
func TestSpillsGo(t *testing.T) {
	sp, value := ins{op: opLocalGet, arg: 1}, ins{op: opLocalGet, arg: 3}
	const slot = 16
	for name, c := range map[string]struct {
		value    ins
		off      int64
		variable bool
		more     []ins
		stays    bool
	}{
		"a word that nothing reads":       {value: value, off: slot},
		"one that is read":                {value: value, off: slot, more: words(sp, ins{op: opI64Load, off: slot}, ins{op: opDrop}), stays: true},
		"one of which a byte is read":     {value: value, off: slot, more: words(sp, ins{op: opLoadByte, off: slot + 5}, ins{op: opDrop}), stays: true},
		"a variable":                      {value: value, off: slot, variable: true, stays: true},
		"an argument":                     {value: value, stays: true},
		"a result":                        {value: value, off: 32, stays: true},
		"what is cleared":                 {value: ins{op: opI64Const}, off: slot, stays: true},
		"what a call by address may read": {value: value, off: slot, more: words(ins{op: opIndirect}, ins{op: opDrop}), stays: true},
	} {
		h := &helpers{first: 1, callees: &callees{args: []int{8}}}
		s := &shrinker{helpers: h, dispatch: -1, loop: -1, variables: map[int64]bool{slot: c.variable}}
		s.out = slices.Concat(words(ins{op: opI32Const}, ins{op: opDrop}, sp, c.value, ins{op: opI64Store, off: c.off}, ins{op: opCall}, ins{op: opDrop}), c.more)
		before := len(s.out)
		s.dropSpills(&function{record: make([]byte, recordSize), pcsp: tableOf([]int{0, 24})})
		if stays := len(s.out) == before; stays != c.stays {
			t.Errorf("%s: the store stays: %v, want %v", name, stays, c.stays)
		}
	}
}
