package bolt

import (
	"errors"
	"strings"
)

func saysAny(err error, causes ...error) bool {
	for _, cause := range causes {
		if err != nil && (errors.Is(err, cause) || strings.Contains(err.Error(), cause.Error())) {
			return true
		}
	}
	return false
}
