package main

import "hash/maphash"

// likeness is a way to say how alike functions are: by how many strings of a length they share, those apart that more than
// so many functions have.
type likeness struct{ length, owners int }

// likenesses are those that are tried: which of them is best differs from module to module.
var likenesses = []likeness{{8, 60}, {8, 80}, {9, 60}, {9, 80}, {10, 80}, {10, 120}}

// windowSize is less than the window of deflate, in which it finds what is alike.
const windowSize = 31 << 10

// bySimilarity puts byte strings into an order in which each is like those before it, within the window of deflate.
func bySimilarity(bodies [][]byte, l likeness) []int {
	seed := maphash.MakeSeed()
	owners := map[uint64][]int32{}
	shingles := make([][]uint64, len(bodies))
	for i, b := range bodies {
		seen := map[uint64]bool{}
		for at := 0; at+l.length <= len(b); at++ {
			h := maphash.Bytes(seed, b[at:at+l.length])
			if !seen[h] {
				seen[h] = true
				owners[h] = append(owners[h], int32(i))
				shingles[i] = append(shingles[i], h)
			}
		}
	}
	inWindow := map[uint64]int{}
	score := make([]int, len(bodies))
	done := make([]bool, len(bodies))
	change := func(i, by int) {
		for _, h := range shingles[i] {
			o := owners[h]
			if len(o) < 2 || len(o) > l.owners {
				continue
			}
			was := inWindow[h]
			inWindow[h] += by
			if (was == 0) != (was+by == 0) {
				for _, j := range o {
					score[j] += by
				}
			}
		}
	}
	var order []int
	for size, tail, next := 0, 0, 0; len(order) < len(bodies); {
		best, bestScore := -1, 0.0
		for i := range bodies {
			if done[i] {
				continue
			}
			s := float64(score[i]) / float64(len(bodies[i])+20)
			if best < 0 || s > bestScore {
				best, bestScore = i, s
			}
		}
		if bestScore == 0 {
			for done[next] {
				next++
			}
			best = next
		}
		done[best] = true
		order = append(order, best)
		change(best, 1)
		size += len(bodies[best])
		for size > windowSize && tail < len(order)-1 {
			change(order[tail], -1)
			size -= len(bodies[order[tail]])
			tail++
		}
	}
	return order
}
