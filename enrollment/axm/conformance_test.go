package axm_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/enrollment/enrollmenttest"
)

func (w *world) organizations(t testing.TB) *axm.Organizations {
	t.Helper()
	c := w.client(t, axm.Options{})
	return axm.NewOrganizations(func(context.Context, enrollment.TenantID) (*axm.Client, error) { return c, nil })
}

func TestOrganizationsKeepThePromisesOfAnAssigner(t *testing.T) {
	for name, api := range map[string]appletest.API{
		"at once":                {},
		"after minutes":          {ActivityLag: 3 * time.Minute},
		"silent about strangers": {ActivityLag: time.Minute, SilentUnknownSerials: true},
		"refusing strangers":     {ActivityLag: time.Minute, RefuseUnknownSerials: true},
	} {
		t.Run(name, func(t *testing.T) {
			enrollmenttest.RunAssigner(t, func(t testing.TB) enrollmenttest.AssignerRig {
				w := newWorld(t, api)
				return enrollmenttest.AssignerRig{
					Assigner: w.organizations(t), From: service(w.from), To: service(w.to),
					Serials: w.devices(t, 3), Unknown: "NOBODYS",
					AssignedTo: func(serial string) enrollment.ServerID {
						if s := w.org.AssignedTo(serial); s != nil {
							return service(s).Server
						}
						return ""
					},
					Settle: func() { w.clock.Pass(time.Minute) },
				}
			})
		})
	}
}

func TestOrganizationsKeepThePromisesOfADeviceLister(t *testing.T) {
	enrollmenttest.RunDeviceLister(t, func(t testing.TB) enrollmenttest.DeviceListerRig {
		w := newWorld(t, appletest.API{APIPageMax: 2})
		serials := w.devices(t, 6)
		require.NoError(t, w.admin.Assign(w.to, serials[5]))
		return enrollmenttest.DeviceListerRig{
			Lister: w.organizations(t), Service: service(w.from), Serials: serials[:5], Elsewhere: serials[5],
		}
	})
}
