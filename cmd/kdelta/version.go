package main

import (
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

// versionJSON says which program this is.
type versionJSON struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (c *versionCmd) Run(a *app) error {
	v := buildVersion()
	if a.asJSON {
		return a.printJSON(v)
	}
	a.printf("kdelta %s", v.Version)
	if v.Revision != "" {
		a.printf(" (%s)", v.Revision)
	}
	a.printf(", %s, %s\n", v.Go, v.Platform)
	return nil
}

// buildVersion is what the Go tool chain wrote into the binary.
func buildVersion() versionJSON {
	v := versionJSON{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			v.Revision = s.Value[:12]
		}
	}
	return v
}
