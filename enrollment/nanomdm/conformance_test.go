package nanomdm_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/micromdm/plist"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/enrollmenttest"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

var other = enrollment.Device{Serial: "DMPXL0GSJGH5", UDID: "00008103-001A2B3C4D5E6F70", Family: enrollment.FamilyIPad, OS: "18.1"}

// The suite of the port, against the fake server. The real one stands in its own test.
func TestItIsAWipeDispatcher(t *testing.T) {
	enrollmenttest.RunWipeDispatcher(t, func(t testing.TB, now func() time.Time) enrollmenttest.WipeDispatcherRig {
		f := newFake(t)
		s := f.server(func(o *nanomdm.Options) { o.Now = now })
		h := hook(t, &inbox{}, func(c *nanomdm.WebhookConfig) { c.Server, c.Now = s, now })
		taken := map[string]bool{}
		return enrollmenttest.WipeDispatcherRig{
			Dispatcher: nanomdm.NewDispatcher(nanomdm.Only(s), nil), Tenant: "acme", MDM: "old", Mac: wipe().Device, Other: other,
			Connect: func(d enrollment.Device, answer enrollment.WipeState) (got []enrollmenttest.TakenWipe) {
				for _, r := range f.enqueued() {
					var c struct {
						CommandUUID string
						Command     struct{ PIN, RequestType string }
					}
					require.NoError(t, plist.Unmarshal(r.body, &c))
					if r.path != "/v1/enqueue/"+d.UDID || taken[c.CommandUUID] || !slices.Contains(f.commands(), c.CommandUUID) {
						continue
					}
					taken[c.CommandUUID] = true
					got = append(got, enrollmenttest.TakenWipe{Command: c.CommandUUID, PIN: c.Command.PIN})
					post(h, connect(now(), map[enrollment.WipeState]string{
						enrollment.WipeAcknowledged: "Acknowledged", enrollment.WipeFailed: "Error", enrollment.WipeMalformed: "CommandFormatError",
					}[answer], c.CommandUUID).body(t))
				}
				return got
			},
			LoseAnswer: func() {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.answer = func(w http.ResponseWriter, _ *http.Request) bool {
					f.answer = nil
					var c struct{ CommandUUID string }
					if plist.Unmarshal(f.got[len(f.got)-1].body, &c) == nil {
						f.queued[c.CommandUUID] = udid
					}
					if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
						_ = conn.Close()
					}
					return true
				}
			},
		}
	})
}

func TestItIsADeviceReader(t *testing.T) {
	enrollmenttest.RunDeviceReader(t, func(t testing.TB) enrollmenttest.DeviceReaderRig {
		sightings := nanomdm.NewMemorySightings(0)
		h := hook(t, &inbox{}, func(c *nanomdm.WebhookConfig) { c.Sightings = sightings })
		send(t, h, authenticate(start))
		second := authenticate(start)
		second.message["UDID"], second.message["SerialNumber"] = other.UDID, other.Serial
		send(t, h, second)
		return enrollmenttest.DeviceReaderRig{
			Reader: nanomdm.NewReader(sightings, nil), Tenant: "acme", MDM: "old", One: enrollment.Device{Serial: serial, UDID: udid}, Two: other,
		}
	})
}

func TestItIsALockClearer(t *testing.T) {
	enrollmenttest.RunLockClearer(t, func(t testing.TB) enrollmenttest.LockClearerRig {
		f := newFake(t)
		unlocked := map[string]bool{}
		f.answer = func(w http.ResponseWriter, _ *http.Request) bool {
			form, err := url.ParseQuery(string(f.got[len(f.got)-1].body))
			if err != nil || form.Get("escrowKey") != deviceCode {
				w.WriteHeader(http.StatusNotFound)
				return true
			}
			unlocked[form.Get("serial")] = true
			return true
		}
		codeless := other
		codeless.Product = "iPad14,1"
		return enrollmenttest.LockClearerRig{
			Clearer: nanomdm.NewLockClearer(nanomdm.Only(f.server()), "old", func(_ context.Context, _ enrollment.TenantID, d enrollment.Device) (nanomdm.Unlock, error) {
				if d.Serial == serial {
					return unlock(serverCode, deviceCode), nil
				}
				return nanomdm.Unlock{}, nil
			}),
			Tenant: "acme", Code: deviceCode, Locked: locked, Codeless: codeless,
			IsLocked: func(d enrollment.Device) bool { f.mu.Lock(); defer f.mu.Unlock(); return !unlocked[d.Serial] },
		}
	})
}
