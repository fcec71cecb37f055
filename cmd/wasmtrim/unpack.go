package main

import "slices"

// unpacking is what a module does when it starts: it lays out the tables by function.
type unpacking struct {
	functions int
	packed    *packedColumns
	at        int // of the packed columns

	index, records, buckets int
}

// The locals of the function that unpacks.
const (
	localIndex   = iota // of a word, a function, a bucket
	localColumn         // its index
	localHeader         // the header of a column
	localWord           // the word before
	localOwn            // the word of the next function that has its own
	localNumbers        // where the number of the next function is
	localNumber
	countLocals
)

// body is the function that unpacks.
func (u *unpacking) body() body {
	record := times(get(localIndex), recordDistance)
	entry := add(get(localIndex), constant(pcBase))
	headers := u.at
	more := headers + headerSize*u.packed.columns
	numbers := more + wordPlanes*u.packed.words
	words := u.at + len(u.packed.bytes)
	code := slices.Concat(
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
		[]ins{{op: opEnd}},
	)
	return body{locals: []byte{1, countLocals, typeI32}, code: code}
}

// inPlanes is the number whose bytes are at the same place in so many planes, the lowest in the first.
func inPlanes(n int, place []ins, first, length int) []ins {
	number := loadByte(place, first)
	for plane := 1; plane < n; plane++ {
		number = add(number, times(loadByte(place, first+plane*length), 1<<(8*plane)))
	}
	return number
}
