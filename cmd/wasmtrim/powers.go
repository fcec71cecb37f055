package main

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"slices"
)

// The powers of ten that internal/strconv reads and writes numbers with: pow10Tab, of which each entry is the first 128 bits of
// one, the higher half before the lower one.
const (
	leastPower   = -348
	countPowers  = 696
	powerSize    = 16
	leastPowerAt = 1284 // the binary digits that the least one is behind the point by
)

// powers is where the table lies that is computed when a module starts, and where memory is free for that.
type powers struct{ at, free int }

// clearPowers makes zeros of the table of powers of ten, which compresses to nothing. It gives nil if there is none.
func clearPowers(mem memory, free int) *powers {
	table := powersOfTen()
	at := bytes.Index(mem, table)
	if at < 0 {
		return nil
	}
	clear(mem[at : at+len(table)])
	return &powers{at, free}
}

// powersOfTen makes the table.
func powersOfTen() (table []byte) {
	ten, one := big.NewInt(10), big.NewInt(1)
	for e := leastPower; e < leastPower+countPowers; e++ {
		power := new(big.Int).Exp(ten, big.NewInt(int64(max(e, -e))), nil)
		if e < 0 {
			power.Quo(new(big.Int).Lsh(one, leastPowerAt+128), power)
		}
		table = append(table, firstBits(power)...)
	}
	return table
}

// firstBits gives the first 128 bits of a number.
func firstBits(n *big.Int) []byte {
	first := new(big.Int)
	if shift := n.BitLen() - 128; shift > 0 {
		first.Rsh(n, uint(shift))
	} else {
		first.Lsh(n, uint(-shift))
	}
	b := first.FillBytes(make([]byte, powerSize))
	slices.Reverse(b[:8])
	slices.Reverse(b[8:])
	return b
}

// The table is made from the least power on. What is multiplied by five, and halved two or three times so that it begins with a 1
// again, has limbs of 16 bits, the lowest first: more than the table takes, since what is halved loses bits.
const (
	limbs      = 12
	limbSize   = 2
	powerLimbs = limbs * limbSize // the bytes of all
	// The first one is greater than the power by this: else what is lost would make 1, which has no other bits, less than 1.
	powerMargin = 1 << 12
)

// compute makes the table.
func (p *powers) compute() (code []ins) {
	first := new(big.Int).Lsh(big.NewInt(1), leastPowerAt+8*powerLimbs-128)
	first.Quo(first, new(big.Int).Exp(big.NewInt(10), big.NewInt(-leastPower), nil)).Add(first, big.NewInt(powerMargin))
	words := first.FillBytes(make([]byte, powerLimbs))
	slices.Reverse(words)
	for at := 0; at < powerLimbs; at += 4 {
		code = append(code, store(constant(p.free), at, constant(int(binary.LittleEndian.Uint32(words[at:]))))...)
	}
	limb := times(get(localColumn), limbSize)
	entry := add(times(get(localIndex), powerSize), constant(p.at))
	return slices.Concat(
		code,
		repeat(localIndex, countPowers,
			copyBytes(entry, constant(p.free+powerLimbs-8), 8),
			copyBytes(add(entry, constant(8)), constant(p.free+powerLimbs-16), 8),
			set(localNumber, constant(0)), // what is carried
			repeat(localColumn, limbs,
				set(localNumber, add(get(localNumber), times(loadHalf(limb, p.free), 5))),
				storeHalf(limb, p.free, get(localNumber)),
				set(localNumber, shifted(get(localNumber), constant(8*limbSize))),
			),
			storeHalf(constant(p.free), powerLimbs, get(localNumber)),
			set(localNumber, add(constant(2), shifted(get(localNumber), constant(2)))), // less than 5 is carried
			repeat(localColumn, limbs, storeHalf(limb, p.free, shifted(load(limb, p.free), get(localNumber)))),
		),
		clearBytes(p.free, powerLimbs+limbSize),
	)
}
