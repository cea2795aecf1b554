package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/enrollmenttest"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

var rigs atomic.Int64

// bench is one RMM for all cases of a suite, in which each case has a customer of its own.
func bench(t *testing.T, line *line, unlock func(serial string)) func(t testing.TB, now func() time.Time) (ports, string) {
	s := newTest(t)
	config := s.first.pool.Config()
	config.ConnConfig.DialFunc = line.dial(config.ConnConfig.DialFunc)
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec // each statement is one write
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return func(t testing.TB, now func() time.Time) (ports, string) {
		t.Helper()
		app, err := rmm.New(rmm.Options{Pool: pool, Log: s.first.app.Log, Now: now, Secret: s.secret, Unlock: func(_ context.Context, serial, code string) error {
			if code != bypass {
				return fmt.Errorf("the code is wrong")
			}
			unlock(serial)
			return nil
		}})
		require.NoError(t, err)
		customer := fmt.Sprint("c", rigs.Add(1))
		require.NoError(t, app.AddCustomer(t.Context(), customer, customer))
		return ports{app}, customer
	}
}

const bypass = "A-code-that-nobody-needs"

// enrolled adds a device to a customer, as the MDM tells it.
func (p ports) enrolled(t testing.TB, customer, serial string) enrollment.Device {
	t.Helper()
	d := rmm.Event{
		Type: rmm.Authenticate, Customer: customer, MDM: "mdm-1", UDID: customer + "-" + serial, Serial: serial, At: p.Now(),
		Model: "MacBook Air", Family: "Mac", OS: "15.1",
	}
	require.NoError(t, p.Hear(t.Context(), d))
	d.Type = rmm.TokenUpdate
	require.NoError(t, p.Hear(t.Context(), d))
	return device(d.Serial, d.UDID, d.Model, d.Family, d.OS)
}

func TestTheQueueOfCommandsIsAWipeDispatcher(t *testing.T) {
	t.Parallel()
	var wire line
	newRig := bench(t, &wire, nil)
	enrollmenttest.RunWipeDispatcher(t, func(t testing.TB, now func() time.Time) enrollmenttest.WipeDispatcherRig {
		p, customer := newRig(t, now)
		return enrollmenttest.WipeDispatcherRig{
			Dispatcher: p, Tenant: enrollment.TenantID(customer), MDM: "mdm-1",
			Mac: p.enrolled(t, customer, "C02MAC"), Other: p.enrolled(t, customer, "C02OTHER"),
			LoseAnswer: func() { wire.lose.Store(true) },
			Connect: func(d enrollment.Device, answer enrollment.WipeState) (taken []enrollmenttest.TakenWipe) {
				path := fmt.Sprintf("/mdm/mdm-1/%s/devices/%s/next", customer, d.UDID)
				app, err := rmm.New(p.Options)
				require.NoError(t, err)
				app.MDMKey = mdmKey
				for {
					var got rmm.Delivery
					require.NoError(t, ask(t.Context(), app, clusterHeader, "POST", path, nil, &got))
					if got.UUID == "" {
						return taken
					}
					taken = append(taken, enrollmenttest.TakenWipe{Command: got.UUID, PIN: got.PIN})
					require.NoError(t, p.Hear(t.Context(), rmm.Event{
						Type: rmm.Answer, Customer: customer, MDM: "mdm-1", UDID: d.UDID, At: now(), Command: got.UUID, Status: answers[answer],
					}))
				}
			},
		}
	})
}

func TestTheTableOfDevicesIsADeviceReader(t *testing.T) {
	t.Parallel()
	newRig := bench(t, &line{}, nil)
	enrollmenttest.RunDeviceReader(t, func(t testing.TB) enrollmenttest.DeviceReaderRig {
		p, customer := newRig(t, time.Now)
		return enrollmenttest.DeviceReaderRig{
			Reader: p, Tenant: enrollment.TenantID(customer), MDM: "mdm-1",
			One: p.enrolled(t, customer, "C02ONE"), Two: p.enrolled(t, customer, "C02TWO"),
		}
	})
}

func TestBypassCodesAreALockClearer(t *testing.T) {
	t.Parallel()
	unlocked := map[string]bool{}
	newRig := bench(t, &line{}, func(serial string) { unlocked[serial] = true })
	enrollmenttest.RunLockClearer(t, func(t testing.TB) enrollmenttest.LockClearerRig {
		clear(unlocked)
		p, customer := newRig(t, time.Now)
		locked, codeless := p.enrolled(t, customer, "C02LOCKED"), p.enrolled(t, customer, "C02NOCODE")
		require.NoError(t, p.KeepBypassCode(t.Context(), customer, locked.Serial, bypass))
		require.NoError(t, p.KeepBypassCode(t.Context(), customer, codeless.Serial, ""))
		return enrollmenttest.LockClearerRig{
			Clearer: p, Tenant: enrollment.TenantID(customer), Locked: locked, Codeless: codeless, Code: bypass,
			IsLocked: func(d enrollment.Device) bool { return !unlocked[d.Serial] },
		}
	})
}

func TestTicketsAreANotifier(t *testing.T) {
	t.Parallel()
	s := newTest(t)
	require.NoError(t, s.first.app.AddCustomer(t.Context(), "acme", "Acme Inc."))
	enrollmenttest.RunNotifier(t, func(t testing.TB) enrollmenttest.NotifierRig {
		_, err := s.first.pool.Exec(t.Context(), `TRUNCATE tickets, ticket_notes`)
		require.NoError(t, err)
		return enrollmenttest.NotifierRig{Notifier: ports{s.first.app}, Told: func() []string {
			rows, err := s.first.pool.Query(context.Background(), `SELECT id FROM ticket_notes`)
			require.NoError(t, err)
			ids, err := pgxStrings(rows)
			require.NoError(t, err)
			return ids
		}}
	})
}

// A code opens one lock: that of the device that told it.
func TestEachLockHasACodeOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newTest(t)
	ctx := t.Context()
	used := map[string]string{}
	options := s.first.app.Options
	options.Unlock = func(_ context.Context, serial, code string) error { used[serial] = code; return nil }
	p := ports{must(rmm.New(options))}
	for _, customer := range []string{"acme", "beta"} {
		require.NoError(t, p.AddCustomer(ctx, customer, customer))
		for _, serial := range []string{"C02A", "C02B", "C02C"} {
			p.enrolled(t, customer, serial)
			require.NoError(t, p.KeepBypassCode(ctx, customer, serial, "code of "+serial+" at "+customer))
		}
	}
	require.NoError(t, p.ClearActivationLock(ctx, "beta", enrollment.Device{Serial: "C02B"}))
	require.Equal(t, map[string]string{"C02B": "code of C02B at beta"}, used)
	require.Equal(t, enrollment.No, must(p.ActivationLock(ctx, "beta", enrollment.Device{Serial: "C02B"})).Locked)
	require.Equal(t, enrollment.Yes, must(p.ActivationLock(ctx, "acme", enrollment.Device{Serial: "C02B"})).Locked)
	require.Equal(t, enrollment.Yes, must(p.ActivationLock(ctx, "beta", enrollment.Device{Serial: "C02A"})).Locked)
}
