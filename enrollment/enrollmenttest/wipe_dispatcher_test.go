package enrollmenttest

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// fakeMDM is a dispatcher and the MDM behind it, sound but for its quirk.
type fakeMDM struct {
	quirk quirk
	now   func() time.Time
	can   enrollment.WipeAbilities

	mu     sync.Mutex
	queued map[string][]TakenWipe // by serial number
	state  map[string]enrollment.WipeState
	lose   bool
	pins   string // the last one, of somebody who mixes them up
}

const (
	macSerial   = "C02MT66KFLHH"
	otherSerial = "DMPXL0GSJGH5"
)

var errLost = errors.New("connection reset by peer")

func (f *fakeMDM) Wipe(ctx context.Context, w enrollment.Wipe, pin enrollment.PIN) (enrollment.WipeStatus, error) {
	if err := f.ended(ctx); err != nil {
		return enrollment.WipeStatus{}, err
	}
	f.mu.Lock()
	state, repeated := f.state[w.Command]
	lose := f.lose
	f.lose = false
	f.mu.Unlock()
	if f.quirk == "looks and queues in two steps" {
		<-time.After(time.Second)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.quirk != "looks and queues in two steps" {
		state, repeated = f.state[w.Command]
	}
	late := !f.now().Before(w.NotAfter)
	if f.quirk == "sends it at NotAfter itself" {
		late = f.now().After(w.NotAfter)
	}
	switch {
	case late && f.quirk == "says that it is too late and sends it all the same":
		f.queue(w, pin)
		return enrollment.WipeStatus{}, enrollment.ErrTooLate
	case late && f.quirk == "takes a late one for sent ever after":
		f.state[w.Command] = enrollment.WipeQueued
		return enrollment.WipeStatus{}, enrollment.ErrTooLate
	case late && f.quirk == "calls a late one fatal":
		return enrollment.WipeStatus{}, &enrollment.CallError{Outcome: enrollment.Fatal}
	case late && f.quirk != "ignores NotAfter":
		return enrollment.WipeStatus{}, enrollment.ErrTooLate
	case w.Device.Serial != macSerial && w.Device.Serial != otherSerial:
		switch f.quirk {
		case "wipes somebody when it does not know the device":
			w.Device.Serial = otherSerial
		case "says that an unknown device was wiped":
			return enrollment.WipeStatus{State: enrollment.WipeAcknowledged}, nil
		default:
			return enrollment.WipeStatus{}, enrollment.ErrNoDevice
		}
	case repeated && f.quirk == "calls a repeat fatal":
		return enrollment.WipeStatus{}, &enrollment.CallError{Outcome: enrollment.Fatal}
	case repeated && state == enrollment.WipeRecalled && f.quirk != "forgets a recall":
		return enrollment.WipeStatus{}, &enrollment.CallError{Outcome: enrollment.Fatal, Err: errors.New("it was recalled")}
	case repeated && f.quirk != "wipes twice for one command" && state != enrollment.WipeRecalled:
		return enrollment.WipeStatus{}, enrollment.ErrRepeated
	case !pin.IsZero() && f.quirk == "would try a PIN that it cannot send again":
		return enrollment.WipeStatus{}, &enrollment.CallError{Outcome: enrollment.Retry}
	case !pin.IsZero() && !f.can.PIN && f.quirk != "drops a PIN that it cannot send":
		return enrollment.WipeStatus{}, &enrollment.CallError{Outcome: enrollment.Fatal, Err: errors.New("it takes no PIN")}
	case f.quirk == "says a wipe was taken and drops it":
		return enrollment.WipeStatus{State: enrollment.WipeQueued}, nil
	}
	f.queue(w, pin)
	switch {
	case lose && f.quirk == "takes a lost answer for a failure":
		return enrollment.WipeStatus{}, &enrollment.CallError{Outcome: enrollment.Retry, Err: errLost}
	case lose && f.quirk == "sends again what it lost the answer of":
		f.queue(w, pin)
	case lose:
		return enrollment.WipeStatus{}, errLost
	case f.quirk == "tells the PIN":
		return enrollment.WipeStatus{State: enrollment.WipeQueued, Reason: "PIN " + pin.Reveal()}, nil
	case f.quirk == "calls a wipe unheard that was just taken":
		return enrollment.WipeStatus{State: enrollment.WipeUnheard}, nil
	}
	return enrollment.WipeStatus{State: enrollment.WipeQueued, At: f.now()}, nil
}

func (f *fakeMDM) ended(ctx context.Context) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case f.quirk == "panics with a context that has ended":
		panic("nil answer")
	case f.quirk == "does not look at its context":
		return nil
	case f.quirk == "waits on although its context has ended":
		<-time.After(time.Hour)
	}
	return &enrollment.CallError{Outcome: enrollment.Retry, Err: ctx.Err()}
}

func (f *fakeMDM) queue(w enrollment.Wipe, pin enrollment.PIN) {
	f.state[w.Command] = enrollment.WipeQueued
	taken := TakenWipe{Command: w.Command, PIN: pin.Reveal()}
	switch f.quirk {
	case "loses the PIN":
		taken.PIN = ""
	case "gives everybody the last PIN":
		f.pins = cmp.Or(taken.PIN, f.pins)
		taken.PIN = f.pins
	case "makes a command of its own":
		taken.Command = "0" + taken.Command
	}
	serial := w.Device.Serial
	if f.quirk == "wipes the other device" {
		serial = otherSerial
	}
	f.queued[serial] = append(f.queued[serial], taken)
	if f.quirk == "wipes both devices" && serial == macSerial {
		f.queued[otherSerial] = append(f.queued[otherSerial], taken)
	}
}

func (f *fakeMDM) connect(d enrollment.Device, answer enrollment.WipeState) []TakenWipe {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.queued[d.Serial]
	delete(f.queued, d.Serial)
	for _, one := range taken {
		switch {
		case f.quirk == "forgets what was answered", f.quirk == "forgets what failed" && answer == enrollment.WipeFailed:
			delete(f.state, one.Command)
		case f.quirk == "takes every answer for an Acknowledged":
			f.state[one.Command] = enrollment.WipeAcknowledged
		case f.quirk == "takes one answer for all":
			for command := range f.state {
				f.state[command] = answer
			}
		default:
			f.state[one.Command] = answer
		}
		if f.quirk == "hands a wipe out again" {
			f.queued[d.Serial] = append(f.queued[d.Serial], one)
		}
	}
	return taken
}

func (f *fakeMDM) WipeStatus(ctx context.Context, w enrollment.WipeRef) (enrollment.WipeStatus, error) {
	if err := f.ended(ctx); err != nil {
		return enrollment.WipeStatus{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	state, known := f.state[w.Command]
	switch {
	case !f.can.Status && f.quirk == "makes up a status":
		return enrollment.WipeStatus{State: enrollment.WipeQueued}, nil
	case !f.can.Status:
		return enrollment.WipeStatus{}, errors.ErrUnsupported
	case f.quirk == "lies about the status", !known && f.quirk == "calls queued what never came":
		return enrollment.WipeStatus{State: enrollment.WipeQueued}, nil
	case !known:
		state = enrollment.WipeUnheard
	}
	return enrollment.WipeStatus{State: state}, nil
}

func (f *fakeMDM) RecallWipe(ctx context.Context, w enrollment.WipeRef) error {
	if err := f.ended(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	state, known := f.state[w.Command]
	switch {
	case !f.can.Recall && f.quirk == "says that it recalled and cannot":
		return nil
	case !f.can.Recall:
		return errors.ErrUnsupported
	case f.quirk == "says that it recalled and did not":
		return nil
	case known && state == enrollment.WipeRecalled && f.quirk == "fails at a second recall":
		return errors.New("it is gone")
	case !known && f.quirk == "recalls only what it knows":
		return nil
	case known && state != enrollment.WipeQueued && state != enrollment.WipeRecalled && f.quirk != "recalls what was taken":
		return enrollment.ErrWipeTaken
	}
	f.state[w.Command] = enrollment.WipeRecalled
	delete(f.queued, w.Serial)
	if f.quirk == "recalls everything" {
		clear(f.queued)
	}
	return nil
}

func (f *fakeMDM) WipeAbilities(ctx context.Context, _ enrollment.TenantID, _ enrollment.MDMID) (enrollment.WipeAbilities, error) {
	if err := f.ended(ctx); err != nil {
		return enrollment.WipeAbilities{}, err
	}
	return f.can, nil
}

var (
	ableToAll  = enrollment.WipeAbilities{RefusesRepeats: true, Status: true, Recall: true, PIN: true}
	ableToWipe = enrollment.WipeAbilities{RefusesRepeats: true}
)

func wipeRig(can enrollment.WipeAbilities) func(t testing.TB, q quirk) WipeDispatcherRig {
	return func(t testing.TB, q quirk) WipeDispatcherRig {
		return timed(t, func(_ testing.TB, now func() time.Time) WipeDispatcherRig {
			f := &fakeMDM{quirk: q, now: now, can: can, queued: map[string][]TakenWipe{}, state: map[string]enrollment.WipeState{}}
			return WipeDispatcherRig{
				Dispatcher: f, Tenant: "acme", MDM: "old",
				Mac:        enrollment.Device{Serial: macSerial, UDID: "U1", Family: enrollment.FamilyMac, OS: "15.1"},
				Other:      enrollment.Device{Serial: otherSerial, UDID: "U2", Family: enrollment.FamilyIPad, OS: "18.1"},
				Connect:    f.connect,
				LoseAnswer: func() { f.mu.Lock(); defer f.mu.Unlock(); f.lose = true },
			}
		})
	}
}

func TestWipeDispatchersThatBreakAPromiseAreCaught(t *testing.T) {
	catches(t, wipeCases, wipeRig(ableToAll), map[string][]quirk{
		"a wipe reaches its device and no other": {
			"wipes the other device", "wipes both devices", "makes a command of its own", "says a wipe was taken and drops it",
			"hands a wipe out again", "calls a wipe unheard that was just taken",
		},
		"a repeat erases nothing":                  {"wipes twice for one command", "calls a repeat fatal"},
		"a repeat after the answer erases nothing": {"wipes twice for one command", "forgets what was answered", "forgets what failed"},
		"eight at once erase once":                 {"looks and queues in two steps", "wipes twice for one command"},
		"another order is another wipe":            {"says a wipe was taken and drops it"},
		"nothing leaves from NotAfter on":          {"ignores NotAfter", "sends it at NotAfter itself", "says that it is too late and sends it all the same", "takes a late one for sent ever after", "calls a late one fatal"},
		"a PIN reaches the Mac, or is refused":     {"loses the PIN", "gives everybody the last PIN", "tells the PIN"},
		"a device that is not managed there is not wiped": {
			"wipes somebody when it does not know the device", "says that an unknown device was wiped",
		},
		"a context that has ended sends nothing that is called unsent": {
			"panics with a context that has ended", "does not look at its context", "waits on although its context has ended",
		},
		"a lost answer is not taken for a failure": {"takes a lost answer for a failure", "sends again what it lost the answer of"},
		"the status is what became of the wipe, or unsupported": {
			"lies about the status", "calls queued what never came", "takes every answer for an Acknowledged", "takes one answer for all",
		},
		"a recalled wipe never comes, or recall is unsupported": {"says that it recalled and did not", "forgets a recall", "fails at a second recall"},
		"a recall of what never came keeps it from coming":      {"recalls only what it knows"},
		"a recall of one wipe leaves the others":                {"recalls everything"},
		"a wipe that was taken cannot be recalled, and that is said": {
			"recalls what was taken",
		},
	})
}

// One that can do little passes too, as long as it says so.
func TestWipeDispatchersThatSayWhatTheyLackPass(t *testing.T) {
	RunWipeDispatcher(t, func(t testing.TB, now func() time.Time) WipeDispatcherRig {
		r := wipeRig(ableToWipe)(t, "")
		r.Dispatcher.(*fakeMDM).now = now
		return r
	})
	for q, name := range map[quirk]string{
		"drops a PIN that it cannot send":           "a PIN reaches the Mac, or is refused",
		"would try a PIN that it cannot send again": "a PIN reaches the Mac, or is refused",
		"makes up a status":                         "the status is what became of the wipe, or unsupported",
		"says that it recalled and cannot":          "a recalled wipe never comes, or recall is unsupported",
	} {
		for _, c := range wipeCases {
			if c.name == name && attempt(t.Context(), wipeRig(ableToWipe)(t, q), c) == nil {
				t.Errorf("somebody got through who %s", q)
			}
		}
	}
}
