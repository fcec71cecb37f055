package main

// maxArguments is how many words a helper takes for a call.
const maxArguments = 16

// frameStore is an instruction that stores into the frame, and what makes its value.
type frameStore struct {
	value []ins
	store ins
}

// lastStores gives the stores into the frame that code ends with, the last one first, and where they begin.
func lastStores(code []ins) (run []frameStore, end int) {
	end = len(code)
	for end > 0 {
		store := code[end-1]
		if store.op <= opLastLoad || store.op > opLastStore {
			break
		}
		at := valueStart(code, end-1)
		if at < 1 || code[at-1].op != opLocalGet || code[at-1].arg != 1 {
			break
		}
		run = append(run, frameStore{code[at : end-1], store})
		end = at - 1
	}
	return run, end
}

// takeArguments takes from the end of code the stores of words of the frame side by side: from its beginning on, which are the
// arguments of the call that follows, or behind it, which are results. It gives the code without them, their values in order, and
// where the first word is.
func takeArguments(code []ins, from int64) (rest, values []ins, first int64, n int) {
	run, end := lastStores(code)
	// Values are made later than they were: behind the stores of others, and before their own.
	byOffset := map[int64]int{}
	for i, s := range run {
		if s.store.op != opI64Store || s.store.off%8 != 0 {
			continue
		}
		if _, twice := byOffset[s.store.off]; twice {
			return code, nil, 0, 0
		}
		byOffset[s.store.off] = i
	}
	first = from
	if from > 0 {
		first = -1
		for off := range byOffset {
			if off >= from && (first < 0 || off < first) {
				first = off
			}
		}
	}
	for n < maxArguments {
		if _, ok := byOffset[first+int64(8*n)]; !ok {
			break
		}
		n++
	}
	if n == 0 {
		return code, nil, 0, 0
	}
	for _, s := range run {
		for i, in := range s.value {
			if in.op == opLocalTee {
				return code, nil, 0, 0
			}
			if in.op >= opI32Load && in.op <= opLastLoad && i > 0 && s.value[i-1].op == opLocalGet && s.value[i-1].arg == 1 {
				for _, other := range run {
					if other.store.off < in.off+8 && in.off < other.store.off+8 {
						return code, nil, 0, 0
					}
				}
			}
		}
	}
	rest = append(rest, code[:end]...)
	for i := len(run) - 1; i >= 0; i-- {
		s := run[i]
		if s.store.op == opI64Store && s.store.off%8 == 0 && s.store.off >= first && s.store.off < first+int64(8*n) {
			continue
		}
		rest = append(append(append(rest, ins{op: opLocalGet, arg: 1}), s.value...), s.store)
	}
	for k := range n {
		values = append(values, run[byOffset[first+int64(8*k)]].value...)
	}
	return rest, values, first, n
}

// takeResults lets a helper store the results of a function and give up its frame.
func (s *shrinker) takeResults(code []ins) []ins {
	n := len(code)
	at := n - 7
	if at < 0 || !matches(code[at:], opLocalGet, opI32Const, opI32Add, opLocalTee, opGlobalSet, opI32Const, opReturn) {
		at = n - 6
		if at < 0 || !matches(code[at:], opLocalGet, opI32Const, opI32Add, opGlobalSet, opI32Const, opReturn) {
			return code
		}
	}
	t := code[at:]
	if t[0].arg != 1 || code[n-3].arg != 0 || code[n-2].arg != 0 || t[3].op == opLocalTee && t[3].arg != 1 {
		return code
	}
	frame := t[1].arg
	rest, values, first, words := takeArguments(code[:at], frame)
	if words == 0 {
		return code
	}
	return append(append(rest, values...), ins{op: opI32Const, arg: first - frame}, ins{op: opI32Const, arg: frame},
		ins{op: opCall, arg: s.returnWith(words)}, ins{op: opReturn})
}
