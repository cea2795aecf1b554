package migration

// Name implements [MoveEvent].
func (AssignStarted) Name() EventName { return EventAssignStarted }

// Name implements [MoveEvent].
func (AssignResult) Name() EventName { return EventAssignResult }

// Name implements [MoveEvent].
func (ReadBack) Name() EventName { return EventReadBack }

// Name implements [MoveEvent].
func (ProfileResult) Name() EventName { return EventProfileResult }

// Name implements [MoveEvent].
func (DeadlineCancelled) Name() EventName { return EventDeadlineCancelled }

// Name implements [MoveEvent].
func (TurnCalled) Name() EventName { return EventTurnCalled }

// Name implements [MoveEvent].
func (TurnEnded) Name() EventName { return EventTurnEnded }

// Name implements [MoveEvent].
func (WipeReleased) Name() EventName { return EventWipeReleased }

// Name implements [MoveEvent].
func (GateClosed) Name() EventName { return EventGateClosed }

// Name implements [MoveEvent].
func (DeviceConfirmed) Name() EventName { return EventDeviceConfirmed }

// Name implements [MoveEvent].
func (PINMade) Name() EventName { return EventPINMade }

// Name implements [MoveEvent].
func (WipeSent) Name() EventName { return EventWipeSent }

// Name implements [MoveEvent].
func (WipeAsked) Name() EventName { return EventWipeAsked }

// Name implements [MoveEvent].
func (WipeRecalled) Name() EventName { return EventWipeRecalled }

// Name implements [MoveEvent].
func (LockCleared) Name() EventName { return EventLockCleared }

// Name implements [MoveEvent].
func (RetryRequested) Name() EventName { return EventRetry }

// Name implements [MoveEvent].
func (SkipRequested) Name() EventName { return EventSkip }

// Name implements [MoveEvent].
func (CancelRequested) Name() EventName { return EventCancel }

// Name implements [MoveEvent].
func (MoveTicked) Name() EventName { return EventTick }

// Name implements [MoveEvent]; it is the kind of what happened.
func (ev Observed) Name() EventName { return EventName(ev.Kind) }

func (AssignStarted) move()     {}
func (AssignResult) move()      {}
func (ReadBack) move()          {}
func (ProfileResult) move()     {}
func (DeadlineCancelled) move() {}
func (TurnCalled) move()        {}
func (TurnEnded) move()         {}
func (WipeReleased) move()      {}
func (GateClosed) move()        {}
func (DeviceConfirmed) move()   {}
func (PINMade) move()           {}
func (WipeSent) move()          {}
func (WipeAsked) move()         {}
func (WipeRecalled) move()      {}
func (LockCleared) move()       {}
func (RetryRequested) move()    {}
func (SkipRequested) move()     {}
func (CancelRequested) move()   {}
func (MoveTicked) move()        {}
func (Observed) move()          {}
