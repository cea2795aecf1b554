package pgserver

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
)

// program finds one of PostgreSQL's programs; several versions may be installed, and none of them in the path.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	var newest string
	best := 0
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	for _, path := range found {
		if version, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))); version > best {
			newest, best = path, version
		}
	}
	if newest == "" {
		return "", errors.Join(fmt.Errorf("no %s in the path or below /usr/lib/postgresql", name), err)
	}
	return newest, nil
}
