package migration

import "slices"

// MoveState is where the move of a device stands.
type MoveState string

// The states of a move, each with what it waits for. STATES.md shows how they follow each other.
const (
	MoveQueued      MoveState = "queued"                // a batch that takes it along
	MoveAssigning   MoveState = "assigning"             // Apple, or a person at the portal, who assigns it to its new service
	MoveSeeking     MoveState = "confirming_assignment" // the new service to show it
	MoveProfiling   MoveState = "assigning_profile"     // its enrollment profile to be assigned
	MoveReading     MoveState = "confirming_profile"    // the new service to show the profile
	MoveMigrating   MoveState = "awaiting_migration"    // the device, which changes its MDM by its deadline
	MoveTurn        MoveState = "awaiting_turn"         // its wave, a fresh confirmation, and the release of its wipe
	MoveWiping      MoveState = "wiping"                // the wipe to be handed to the MDM; half a minute at most
	MoveAnswer      MoveState = "confirming_wipe"       // the device's answer to its wipe
	MoveUnlocking   MoveState = "clearing_lock"         // its Activation Lock to be cleared
	MoveReturning   MoveState = "awaiting_enrollment"   // the device, which enrolls in Setup Assistant
	MoveCancelling  MoveState = "cancelling"            // Apple to cancel the migration, or the MDM to withdraw the wipe
	MoveEnrolled    MoveState = "enrolled"              // nothing: it is managed by the new MDM
	MoveReassigned  MoveState = "reassigned"            // nothing: the new service counts from its next erase
	MoveOutstanding MoveState = "wipe_outstanding"      // a fact: the device did not answer its wipe, which may still reach it
	MoveReturned    MoveState = "returned"              // a person: it enrolled at its old MDM again
	MoveHands       MoveState = "needs_hands"           // a person who looks at the device
	MoveFailed      MoveState = "failed"                // a person who retries it: nothing happened to the device
	MoveSkipped     MoveState = "skipped"               // nothing: it is left alone
	MoveCancelled   MoveState = "cancelled"             // nothing: its plan was given up
)

var (
	liveMoves = []MoveState{
		MoveQueued, MoveAssigning, MoveSeeking, MoveProfiling, MoveReading, MoveMigrating, MoveTurn, MoveWiping, MoveAnswer,
		MoveUnlocking, MoveReturning, MoveCancelling,
	}
	restingMoves = []MoveState{
		MoveEnrolled, MoveReassigned, MoveOutstanding, MoveReturned, MoveHands, MoveFailed, MoveSkipped, MoveCancelled,
	}
)

// MoveStates returns every state of a move, the live ones first. The others are resting: they owe nothing but the recall
// of a wipe, and still accept facts, so that a device that enrolls months later ends its move.
func MoveStates() []MoveState { return slices.Concat(liveMoves, restingMoves) }

// Live reports whether the move is still under way.
func (s MoveState) Live() bool { return slices.Contains(liveMoves, s) }
