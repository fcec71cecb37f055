package main

import (
	"slices"
	"strings"
)

// helperOf says what a helper is for that is made when it is first asked for: a kind, perhaps the function that it calls, and how
// many words it takes.
type helperOf struct {
	kind     helperKind
	function int64
	words    int
}

type helperKind int

const (
	kindCheck   helperKind = iota // calls morestack if the stack is short
	kindEnter                     // the same for a large frame, and makes room for it
	kindPush                      // stores arguments, and does what another helper does that pushes a return address
	kindReturn                    // stores results, and gives up the frame
	kindBarrier                   // puts pointers into the write barrier's buffer
)

// outlined gives the index of a helper, which is made if there is none.
func (h *helpers) outlined(of helperOf, make func(helperOf) (typ string, b body)) int64 {
	at, ok := h.made[of]
	if !ok {
		at = h.define(make(of))
		h.made[of] = at
		h.quiet[at] = of.kind == kindReturn || of.kind == kindBarrier
	}
	return at
}

// check gives the helper that calls morestack if the stack is short.
func (h *helpers) check(morestack int64) int64 {
	return h.outlined(helperOf{kind: kindCheck, function: morestack}, func(helperOf) (string, body) {
		return typeCheck, helperBody(
			[]ins{{op: opGlobalGet}, {op: opGlobalGet, arg: 2}, {op: opI32WrapI64}, {op: opI32Load, arg: 2, off: 16}, {op: opI32LeU}},
			callIf(0, morestack),
			[]ins{{op: opI32Const}},
		)
	})
}

// enter gives the helper that calls morestack if there is too little stack for a large frame, and else makes room for it.
func (h *helpers) enter(morestack int64) int64 {
	return h.outlined(helperOf{kind: kindEnter, function: morestack}, func(helperOf) (string, body) {
		return typePush, helperBody(
			[]ins{
				{op: opGlobalGet},
				{op: opGlobalGet, arg: 2},
				{op: opI32WrapI64},
				{op: opI32Load, arg: 2, off: 16},
				{op: opLocalGet},
				{op: opI32Const, arg: -stackSmall},
				{op: opI32Add},
				{op: opI32Add},
				{op: opI32LeU},
			},
			callIf(1, morestack),
			[]ins{{op: opGlobalGet}, {op: opLocalGet}, {op: opI32Sub}, {op: opGlobalSet}, {op: opI32Const}},
		)
	})
}

// callIf calls morestack, and returns what it gives, if the condition holds. A local has the PC_F.
func callIf(local, morestack int64) []ins {
	return slices.Concat(
		[]ins{{op: opIf, arg: noResult}},
		pushReturn(local, ins{op: opI32Const}),
		[]ins{{op: opI32Const}, {op: opCall, arg: morestack}, {op: opReturn}, {op: opEnd}},
	)
}

// pushWith gives the helper that stores so many arguments, and then does what another one does.
func (h *helpers) pushWith(words int, push int64) int64 {
	return h.outlined(helperOf{kindPush, push, words}, func(of helperOf) (string, body) {
		function, pc := int64(of.words), ins{op: opLocalGet, arg: int64(of.words) + 1}
		pcB := []ins{pc}
		if push == h.pushSegment() {
			pcB = append(pcB, ins{op: opI32Const, arg: 1}, ins{op: opI32Shl})
		}
		return wordsType(of.words, "\x7f\x7f", "\x7f"), helperBody(
			storeWords(of.words, ins{op: opGlobalGet}),
			pushReturn(function, pcB...),
			[]ins{{op: opI32Const}},
		)
	})
}

// returnWith gives the helper that takes so many results, how far behind the frame they belong, and what the frame takes.
func (h *helpers) returnWith(words int) int64 {
	return h.outlined(helperOf{kind: kindReturn, words: words}, func(of helperOf) (string, body) {
		results, frame := int64(of.words), int64(of.words)+1
		return wordsType(of.words, "\x7f\x7f", "\x7f"), helperBody(
			[]ins{
				{op: opLocalGet, arg: frame},
				{op: opGlobalGet},
				{op: opI32Add},
				{op: opLocalTee, arg: frame},
				{op: opGlobalSet},
				{op: opLocalGet, arg: frame},
				{op: opLocalGet, arg: results},
				{op: opI32Add},
				{op: opLocalSet, arg: results},
			},
			storeWords(of.words, ins{op: opLocalGet, arg: results}),
			[]ins{{op: opI32Const}},
		)
	})
}

// barrier gives the helper that puts so many pointers into the write barrier's buffer. A function makes room there.
func (h *helpers) barrier(function int64, words int) int64 {
	return h.outlined(helperOf{kindBarrier, function, words}, func(of helperOf) (string, body) {
		buffer := int64(of.words)
		b := helperBody(
			[]ins{{op: opCall, arg: of.function}, {op: opI32WrapI64}, {op: opLocalSet, arg: buffer}},
			storeWords(of.words, ins{op: opLocalGet, arg: buffer}),
		)
		b.locals = []byte{1, 1, typeI32}
		return wordsType(of.words, "", ""), b
	})
}

// helperBody is a function without locals of its own.
func helperBody(parts ...[]ins) body {
	return body{locals: []byte{0}, code: append(slices.Concat(parts...), ins{op: opEnd})}
}

// wordsType is the type of a function that takes words and more.
func wordsType(words int, more, result string) string {
	return "\x60" + string(rune(words+len(more))) + strings.Repeat("\x7e", words) + more + string(rune(len(result))) + result
}

// storeWords stores the first parameters side by side.
func storeWords(words int, address ins) (code []ins) {
	for i := range int64(words) {
		code = append(code, address, ins{op: opLocalGet, arg: i}, ins{op: opI64Store, arg: 3, off: 8 * i})
	}
	return code
}
