//go:build js && wasm

// Command wasmsize is the smallest application that uses what applications use: it opens two replicas over memory, writes
// and reads, looks at the past, watches, syncs and settles a conflict. It is there to be weighed: its module is what a
// browser fetches for the core, and TestCoreBuildsForWASM in the module's root holds it to a limit. What a program does
// not call the linker leaves out, so a program that does all this says more than the sum of all that is exported.
//
//	GOOS=js GOARCH=wasm go build -trimpath -ldflags='-s -w' -gcflags=github.com/kdelta/kdelta/...=-l \
//	    -gcflags=fmt=-l -gcflags=strings=-l -gcflags=time=-l -gcflags=context=-l \
//	    -gcflags=sort=-l -gcflags=log=-l -gcflags=os=-l -gcflags=syscall=-l -gcflags=syscall/js=-l -o core.wasm ./internal/wasmsize
//	go run ./cmd/wasmtrim core.wasm small.wasm
//	gzip -9 small.wasm
//
// It runs, too: under $(go env GOROOT)/lib/wasm/go_js_wasm_exec it says nothing and ends with status 0.
package main
