package migration

import "slices"

// Reason says why a device is moved in the way that it is. The list is closed; a host that speaks another language
// translates the code.
type Reason string

// The reasons.
const (
	NotOurs          Reason = "not_ours"
	Arrived          Reason = "arrived"
	MDMStays         Reason = "mdm_stays"
	Wished           Reason = "wished"
	CountsFromErase  Reason = "counts_from_erase"
	Gentler          Reason = "gentler_way"
	Capable          Reason = "capable"
	NotCapable       Reason = "not_capable"
	CapableUnknown   Reason = "capable_unknown"
	OSTooOld         Reason = "os_too_old"
	NoMigrationThere Reason = "no_migration_there"
	SharedIPad       Reason = "shared_ipad"
	MaybeShared      Reason = "maybe_shared"
	FamilyUnknown    Reason = "family_unknown"
	NoUDID           Reason = "no_udid"
	NotManaged       Reason = "not_managed"
	ManagedUnknown   Reason = "managed_unknown"
	NotReached       Reason = "not_reached"
	ReachUnknown     Reason = "reach_unknown"
	NotSupervised    Reason = "not_supervised"
	NoPIN            Reason = "no_pin"
	WipesOff         Reason = "wipes_off"
	Reaches          Reason = "reaches"
	LockStays        Reason = "lock_stays"
)

var reasons = map[Reason]string{
	NotOurs:          "The device was released: it does not belong to the organization any more",
	Arrived:          "It is enrolled at the new MDM already",
	MDMStays:         "Its MDM stays the same, so nothing has to happen on the device; the new service counts from its next erase",
	Wished:           "The operator asked for this way",
	CountsFromErase:  "Nothing happens on the device; the new service counts from its next erase",
	Gentler:          "It would have been possible without an erase",
	Capable:          "Apple says that it can change its MDM without an erase",
	NotCapable:       "Apple says that it cannot change its MDM without an erase",
	CapableUnknown:   "Apple has not said whether it can change its MDM without an erase: connect an Apple Business API account, or choose migrate or wipe for it",
	OSTooOld:         "Its system is older than 26, so it cannot change its MDM without an erase",
	NoMigrationThere: "Only iOS, iPadOS and macOS can change their MDM without an erase",
	SharedIPad:       "It is a Shared iPad: an erase would take the data of everybody who uses it, so a person decides",
	MaybeShared:      "It might be a Shared iPad: an erase would take the data of everybody who uses it, so a person decides",
	FamilyUnknown:    "Nobody knows what kind of device it is, so there is no safe way to wipe it",
	NoUDID:           "Its enrollment ID (UDID) at the present MDM is not known, so no command reaches it",
	NotManaged:       "The present MDM does not manage it any more",
	ManagedUnknown:   "It is not known whether the present MDM manages it",
	NotReached:       "The present MDM is out of reach, or its push certificate has expired",
	ReachUnknown:     "It is not known whether commands of the present MDM reach devices",
	NotSupervised:    "It is a Mac without supervision, which obeys no wipe",
	NoPIN:            "It is a Mac that needs a PIN to be wiped, and the dispatcher cannot send one",
	WipesOff:         "The policy allows no wipes",
	Reaches:          "The present MDM manages it and reaches it, so it can be wiped through that",
	LockStays:        "Its Activation Lock is on and nobody holds its bypass code: turn the lock off in Apple's portal",
}

// Reasons returns every reason, sorted.
func Reasons() []Reason {
	all := make([]Reason, 0, len(reasons))
	for r := range reasons {
		all = append(all, r)
	}
	slices.Sort(all)
	return all
}

// Text says the reason in English.
func (r Reason) Text() string { return reasons[r] }
