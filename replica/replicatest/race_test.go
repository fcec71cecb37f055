//go:build race

package replicatest

// raced says that the race detector watches, under which a world takes eight times as long.
const raced = true
