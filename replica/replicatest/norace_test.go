//go:build !race

package replicatest

const raced = false
