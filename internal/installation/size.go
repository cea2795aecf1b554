package installation

import (
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Size is how large an installation is to be.
type Size struct {
	Tenants int // zero: one for every ten servers
	Servers int // two for each tenant at least
	Devices int // in plans of [PlanDevices]: the last one is made whole
	Seed    uint64
}

func (s Size) filled() (Size, error) {
	if s.Tenants == 0 {
		s.Tenants = max(s.Servers/10, 1)
	}
	if s.Tenants < 1 || s.Servers < 2*s.Tenants || s.Devices < 0 {
		return s, errors.New("an installation needs a tenant, and two servers for each")
	}
	return s, nil
}

func (s Size) plans() int { return (s.Devices + PlanDevices - 1) / PlanDevices }

func tenantID(n int) enrollment.TenantID { return enrollment.TenantID(fmt.Sprintf("t%06d", n)) }

// shares cuts a whole among n, by Zipf's law: the second has half as much as the first, the third a third. What comes before
// share i is starts[i].
func shares(whole, n int) (starts []int) {
	sum := 0.0
	for i := range n {
		sum += 1 / float64(i+1)
	}
	starts = make([]int, n+1)
	part := 0.0
	for i := range n {
		part += 1 / float64(i+1)
		starts[i+1] = int(float64(whole)*part/sum + 0.5)
	}
	starts[n] = whole
	return starts
}
