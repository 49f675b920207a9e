"""Refunds and disputes of an account, by Stripe's rules."""

from __future__ import annotations

from core.sandbox import objects
from core.sandbox.books import Books, Denied, whole
from core.sandbox.objects import Json


class Refunds(Books):
    """What happens to a charge after it was paid."""

    @whole
    def refund(
        self,
        *,
        charge: str | None = None,
        payment_intent: str | None = None,
        amount: int | None = None,
        reason: str | None = None,
        metadata: dict[str, str] | None = None,
        status: str = "succeeded",
    ) -> Json:
        """Refund a charge, in full or in part, by Stripe's rules."""
        paid = self._refundable(charge, payment_intent)
        left = paid["amount"] - paid["amount_refunded"]
        if left == 0:
            raise Denied(400, f"Charge {paid['id']} has already been refunded.", code="charge_already_refunded")
        asked = left if amount is None else amount
        if asked < 1:
            raise Denied(400, "Invalid positive integer", code="parameter_invalid_integer", param="amount")
        if asked > left:
            said = f"Refund amount (${asked / 100:.2f}) is greater than unrefunded amount on charge (${left / 100:.2f})"
            raise Denied(400, said, param="amount")
        made = self.keep(objects.refund(paid, asked, reason, metadata or {}, status))
        paid["amount_refunded"] += asked
        paid["refunded"] = paid["amount_refunded"] == paid["amount"]
        self.tell("charge.refunded", paid)
        self._tell_refund("refund.created", made)
        return made

    def _refundable(self, charge: str | None, payment_intent: str | None) -> Json:
        if not charge and not payment_intent:
            said = "One of the following params should be provided for this request: payment_intent or charge."
            raise Denied(400, said)
        if charge:
            return self.get("charge", charge)
        paid = self.get("payment_intent", str(payment_intent))
        if paid["status"] != "succeeded":
            said = f"This PaymentIntent ({paid['id']}) does not have a successful charge to refund."
            raise Denied(400, said, code="payment_intent_unexpected_state", param="payment_intent")
        return self.get("charge", paid["latest_charge"])

    @whole
    def settle_refund(self, refund_id: str) -> Json:
        """Let a pending refund succeed."""
        return self._update_refund(refund_id, {"status": "succeeded"}, "refund.updated")

    @whole
    def fail_refund(self, refund_id: str, why: str = "expired_or_canceled_card") -> Json:
        """Let a refund fail at the bank, up to thirty days after it succeeded."""
        paid = self.get("charge", self.get("refund", refund_id)["charge"])
        paid["amount_refunded"] -= self.get("refund", refund_id)["amount"]
        paid["refunded"] = False
        return self._update_refund(refund_id, {"status": "failed", "failure_reason": why}, "refund.failed")

    def _update_refund(self, refund_id: str, change: Json, kind: str) -> Json:
        made = self.get("refund", refund_id)
        made |= change
        self.tell("charge.refund.updated", made)
        self._tell_refund(kind, made)
        return made

    def _tell_refund(self, kind: str, made: Json) -> None:
        if self.tell_refunds:
            self.tell(kind, made)

    @whole
    def dispute(self, charge: str, reason: str = "fraudulent", amount: int | None = None) -> Json:
        """Open a dispute. An answer counts for a week."""
        paid = self.get("charge", charge)
        made = self.keep(objects.dispute(paid, reason))
        made["amount"] = paid["amount"] if amount is None else amount
        made["evidence_details"] = {"due_by": self.now + 7 * 24 * 3600, "has_evidence": False, "past_due": False}
        paid |= {"disputed": True, "dispute": made["id"]}
        self.tell("charge.dispute.created", made)
        self.tell("charge.dispute.funds_withdrawn", made)
        return made

    @whole
    def close_dispute(self, dispute_id: str, *, won: bool) -> Json:
        """Close a dispute."""
        made = self.get("dispute", dispute_id)
        made["status"] = "won" if won else "lost"
        self.tell("charge.dispute.closed", made)
        return made
