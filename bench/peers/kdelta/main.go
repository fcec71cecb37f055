package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// result is what a work found; worker.js prints the same.
type result struct {
	cost
	// Bytes is the size of what was written, read or sent.
	Bytes float64 `json:"bytes,omitempty"`
	// Text is the hash of the text that it ended in.
	Text string `json:"text,omitempty"`
}

// cost is what a work took.
type cost struct {
	// Ms is how long the processors worked, Wall how long it took, in milliseconds.
	Ms   float64 `json:"ms"`
	Wall float64 `json:"wall"`
	// Memory is the bytes that what it made added to the process.
	Memory int64 `json:"memory,omitempty"`
}

// onText are the works on a trace; in the folder are files of this side.
var onText = map[string]func(folder, trace string) (result, error){
	"local": local,
	"typed": typed,
	"merge": merge,
	"apply": apply,
	"load":  load,
}

var onMaps = map[string]func(folder string) (result, error){
	"set":        set,
	"catchUp":    catchUp,
	"reconnect":  reconnect,
	"live":       live,
	"concurrent": concurrent,
	"authors":    authors,
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kdelta:", err)
		os.Exit(1)
	}
}

func run(args []string) (err error) {
	var res result
	switch {
	case len(args) >= 3 && onText[args[0]] != nil:
		res, err = onText[args[0]](args[1], args[2])
	case len(args) >= 2 && onMaps[args[0]] != nil:
		res, err = onMaps[args[0]](args[1])
	default:
		err = errors.New("no such work; see bench/peers/kdelta/doc.go")
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(res)
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
