package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// machine says where and when figures come from.
func machine(now time.Time) string {
	return fmt.Sprintf("%s, %s, %d cores, %s/%s, %s", now.UTC().Format("2 January 2006"),
		processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// peerVersion is what was linked in.
func peerVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if name, is := strings.CutPrefix(m.Path, "github.com/micromdm/"); is {
				return name + " " + m.Version
			}
		}
	}
	return "nanodep"
}

// processor is its name where the system tells it.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
