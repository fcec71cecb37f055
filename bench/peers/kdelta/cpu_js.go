package main

import (
	"syscall/js"
	"time"
)

// cpu is how long this process has worked, all threads together, as node tells.
func cpu() time.Duration {
	used := js.Global().Get("process").Call("cpuUsage")
	return time.Duration(used.Get("user").Int()+used.Get("system").Int()) * time.Microsecond
}
