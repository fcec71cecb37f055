package main

import "slices"

// unpacking says where the tables of functions are laid out.
type unpacking struct {
	functions int
	packed    *packedColumns
	at        int // of the packed columns

	index, records, buckets int
}

// The locals of the function that a module starts with.
const (
	localIndex  = iota // of a block, a word, a function, a bucket
	localColumn        // an index, too
	localEight
	localBit

	localKind  // of a block
	localMasks // where the next mask is
	localBytes // where the next byte is
	localTo    // where it belongs
	localHere  // whether there is one

	localHeader  // the header of a column
	localWord    // the word before
	localOwn     // the word of the next function that has its own
	localNumbers // where the number of the next function is
	localNumber
	countLocals
)

// startBody is the function that a module starts with.
func startBody(p *packedMemory, u *unpacking, powers *powers) body {
	code := slices.Concat(p.unpack(), u.unpack())
	if powers != nil {
		code = append(code, powers.compute()...)
	}
	return body{locals: []byte{1, countLocals, typeI32}, code: append(code, ins{op: opEnd})}
}

// unpack puts memory where it belongs, and leaves zeros where it was.
func (p *packedMemory) unpack() []ins {
	masks := p.at + len(p.kinds)
	return slices.Concat(
		set(localMasks, constant(masks)),
		set(localBytes, constant(masks+len(p.masks))),
		repeat(localIndex, len(p.kinds),
			set(localKind, loadByte(get(localIndex), p.at)),
			set(localTo, times(get(localIndex), blockSize)),
			when(is(get(localKind), blockFull),
				copyBytes(get(localTo), get(localBytes), blockSize),
				set(localBytes, add(get(localBytes), constant(blockSize))),
			),
			when(is(get(localKind), blockSparse),
				repeat(localEight, blockSize/8,
					repeat(localBit, 8,
						set(localHere, bit(loadByte(get(localMasks), 0), get(localBit))),
						storeByte(get(localTo), either(get(localHere), loadByte(get(localBytes), 0), constant(0))),
						set(localBytes, add(get(localBytes), get(localHere))),
						set(localTo, add(get(localTo), constant(1))),
					),
					set(localMasks, add(get(localMasks), constant(1))),
				),
			),
		),
		clearBytes(p.at, p.size()),
	)
}

// unpack lays out the tables of functions.
func (u *unpacking) unpack() []ins {
	record := times(get(localIndex), recordDistance)
	entry := add(get(localIndex), constant(pcBase))
	headers := u.at
	more := headers + headerSize*u.packed.columns
	numbers := more + wordPlanes*u.packed.words
	words := u.at + len(u.packed.bytes)
	return slices.Concat(
		repeat(localIndex, u.packed.words,
			set(localWord, add(get(localWord), inPlanes(wordPlanes, get(localIndex), more, u.packed.words))),
			store(times(get(localIndex), 4), words, get(localWord)),
		),
		repeat(localIndex, u.functions,
			store(times(get(localIndex), indexSize), u.index, entry),
			store(times(get(localIndex), indexSize), u.index+4, add(record, constant(u.records-u.index))),
			store(record, u.records, entry),
		),
		set(localHeader, constant(headers)),
		set(localNumbers, constant(numbers)),
		repeat(localColumn, u.packed.columns,
			set(localOwn, load(get(localHeader), headerOwn)),
			repeat(localIndex, u.functions,
				set(localNumber, inPlanes(numberPlanes, get(localNumbers), 0, u.functions)),
				store(add(record, load(get(localHeader), 0)), u.records, load(either(
					get(localNumber),
					add(load(get(localHeader), headerShared), times(get(localNumber), 4)),
					get(localOwn),
				), words)),
				set(localOwn, add(get(localOwn), times(isZero(get(localNumber)), 4))),
				set(localNumbers, add(get(localNumbers), constant(1))),
			),
			set(localNumbers, add(get(localNumbers), constant((numberPlanes-1)*u.functions))),
			set(localHeader, add(get(localHeader), constant(headerSize))),
		),
		repeat(localIndex, (u.functions-1)*bucketsPerFunction,
			store(times(get(localIndex), bucketSize), u.buckets, quotient(get(localIndex), bucketsPerFunction)),
		),
	)
}

// inPlanes is the number whose bytes are at the same place in so many planes, the lowest in the first.
func inPlanes(n int, place []ins, first, length int) []ins {
	number := loadByte(place, first)
	for plane := 1; plane < n; plane++ {
		number = add(number, times(loadByte(place, first+plane*length), 1<<(8*plane)))
	}
	return number
}
