package nanomdm

import (
	"github.com/micromdm/plist"

	"github.com/abmrenew/abmrenew/enrollment"
)

// eraseDevice is the command (Apple, "EraseDevice", 2026). What is not here is never sent: MDMProfileData, because a
// device would enroll with it at the MDM that it leaves; DisallowProximitySetup, which before iOS 14 goes with no other
// option; BootstrapToken.
type eraseDevice struct {
	CommandUUID string
	Command     eraseArguments
}

type eraseArguments struct {
	RequestType          string
	PIN                  string           `plist:",omitempty"` // macOS
	ObliterationBehavior string           `plist:",omitempty"` // macOS 12
	PreserveDataPlan     bool             `plist:",omitempty"` // iOS and iPadOS 11, watchOS 10
	ReturnToService      *returnToService `plist:",omitempty"` // iOS and iPadOS 17, tvOS 18, visionOS 26
}

type returnToService struct {
	Enabled         bool
	WiFiProfileData []byte `plist:",omitempty"`
}

const requestErase = "EraseDevice"

// eraseCommand builds the command for a wipe, or says why this device does not take it.
func eraseCommand(w enrollment.Wipe, pin enrollment.PIN, wifi []byte) ([]byte, error) {
	arguments, err := argumentsOf(w, pin, wifi)
	if err != nil {
		return nil, err
	}
	raw, err := plist.Marshal(eraseDevice{CommandUUID: w.Command, Command: arguments})
	if err != nil {
		return nil, wrongWipe("the command cannot be written")
	}
	return raw, nil
}

func argumentsOf(w enrollment.Wipe, pin enrollment.PIN, wifi []byte) (a eraseArguments, err error) {
	platform, o := w.Device.Platform(), w.Options
	a = eraseArguments{RequestType: requestErase, PreserveDataPlan: o.PreserveDataPlan}
	switch {
	case !identifier(w.Command):
		return a, wrongWipe("its command has no UUID")
	case !identifier(w.Device.UDID):
		return a, wrongWipe("the device's enrollment ID is not known; a check-in at its MDM would tell it")
	case platform == "":
		return a, wrongWipe("the device's product family is not known, and without it neither what is safe")
	case o.PreserveDataPlan && platform != enrollment.PlatformIOS && platform != enrollment.PlatformIPadOS && platform != enrollment.PlatformWatchOS:
		return a, wrongWipe("%s has no data plan to preserve", platform)
	case o.ReturnToService && !enrollment.SafeWipe(w.Device, true).ReturnToService:
		return a, wrongWipe("%s %s has no Return to Service", platform, printable(w.Device.OS, 32))
	case w.PIN != "" && pin.IsZero():
		return a, wrongWipe("its PIN was not handed over, and without it nobody could unlock the device")
	case !pin.IsZero() && platform != enrollment.PlatformMacOS:
		return a, wrongWipe("only Macs take a PIN")
	}
	if platform == enrollment.PlatformMacOS {
		a.PIN, a.ObliterationBehavior = pin.Reveal(), string(enrollment.DoNotObliterate)
	}
	if o.Obliteration != "" && string(o.Obliteration) != a.ObliterationBehavior {
		return a, wrongWipe("%s on %s might leave a device without a system", printable(string(o.Obliteration), 64), platform)
	}
	if o.ReturnToService {
		a.ReturnToService = &returnToService{Enabled: true, WiFiProfileData: wifi}
	}
	return a, nil
}
