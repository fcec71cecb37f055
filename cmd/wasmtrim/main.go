package main

import (
	"fmt"
	"os"
	"runtime"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "wasmtrim:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%d arguments: say wasmtrim app.wasm small.wasm", len(args))
	}
	data, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	out, err := trim(data)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return os.WriteFile(args[1], out, 0o755)
}

// trim makes a module smaller. An error is one of errShape.
func trim(data []byte) (out []byte, err error) {
	// The tables are full of offsets into each other. One that leads outside says that the layout is another one.
	defer func() {
		if r := recover(); r != nil {
			bad, ok := r.(runtime.Error)
			if !ok {
				panic(r)
			}
			out, err = nil, shapef("%v", bad)
		}
	}()
	m, err := parseModule(data)
	if err != nil {
		return nil, err
	}
	static, err := m.section(sectionData)
	if err != nil {
		return nil, err
	}
	mem, err := parseMemory(static.body)
	if err != nil {
		return nil, err
	}
	tables, err := findSymtab(mem)
	if err != nil {
		return nil, err
	}
	bodies, h, err := shrinkCode(m, tables)
	if err != nil {
		return nil, err
	}
	columns, err := tables.trim()
	if err != nil {
		return nil, err
	}
	powers := clearPowers(mem, tables.end())
	packed := mem.pack(tables.end())
	if err := m.needMemory(packed.at + packed.size()); err != nil {
		return nil, err
	}
	static.body = packed.section()
	start := h.define(typeStart, startBody(packed, columns, powers))
	if err := arrange(m, h, append(bodies, h.bodies...), start); err != nil {
		return nil, err
	}
	return m.bytes(), nil
}
