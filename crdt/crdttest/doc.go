// Package crdttest proves merge strategies: an application that brings its own crdt.Strategy runs TestStrategy on it in
// one of its tests.
//
//	func TestPriority(t *testing.T) {
//		crdttest.TestStrategy(t, priority{}, values...)
//	}
//
// # The model
//
// A strategy is a pure function of the siblings: each with its stamp, in ascending order, and their base. It may prefer
// the last one, or the one of some author: all replicas see the same list. What it must not do is see anything else,
// for then replicas would show different values for equal sets of versions, for ever. The kit makes many sets of
// siblings (a base, two to four concurrent puts, sometimes a delete; from the given values and odd ones of its own),
// and holds the strategy to these laws, on the engine's own states and views:
//
//  1. named        crdt.NewRegistry accepts it.
//  2. idempotent   asked again for the same siblings, at once, it answers the same.
//  3. commutative  whatever the order in which the versions arrive, with a look at the view after each one, the last view
//     is the same.
//  4. blind        its answers do not depend on which other siblings it was asked about before: all sets are asked
//     forwards, backwards and shuffled.
//  5. timeless     the same answers after a pause of a millisecond, a second, an hour, and more than a year (on the fake
//     clock of testing/synctest, so nothing really waits), and on many repetitions: no clock, no randomness.
//  6. canonical    its result is a Value, or nil where one of the siblings is a deletion.
//  7. calm         it does not panic, and leaves the siblings it was given as they are.
//
// A returned error is no fault: the key shows what LWW shows, and the kit checks that it does.
package crdttest
