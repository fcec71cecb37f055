// Command program does what needs the tables that trimming touches.
package main

import (
	"fmt"
	"os"
	"runtime"
)

type node struct {
	left, right *node
	value       int
}

func tree(depth int) *node {
	if depth == 0 {
		return &node{value: 1}
	}
	var pad [64]int
	n := &node{left: tree(depth - 1), right: tree(depth - 1), value: pad[depth%64]}
	return n
}

func (n *node) sum() int {
	if n == nil {
		return 0
	}
	return n.value + n.left.sum() + n.right.sum()
}

// caught runs f, and gives what it panicked with.
func caught(f func()) (what string) {
	defer func() { what = fmt.Sprint(recover()) }()
	f()
	return "nothing"
}

func deep(n int) int {
	if n == 0 {
		runtime.GC()
		return 0
	}
	return 1 + deep(n-1)
}

func main() {
	sums := make(chan int)
	for range 4 {
		go func() {
			t := tree(10)
			runtime.Gosched()
			sums <- t.sum() + deep(10_000)
		}()
	}
	ok := true
	for range 4 {
		ok = ok && <-sums == 1024+10_000
	}
	var none *node
	list, at := []int{1}, 3
	ok = ok && caught(func() { list[at]++ }) == "runtime error: index out of range [3] with length 1"
	ok = ok && caught(func() { none.value++ }) == "runtime error: invalid memory address or nil pointer dereference"
	ok = ok && caught(func() { panic("thrown") }) == "thrown"
	if !ok {
		os.Exit(1)
	}
}
