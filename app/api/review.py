"""Proof that people were trained (CTPAT 12.1)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from app.api.common import AN_ID, ID, Body, Date, Here, Text, allowed, an_id, choice, made, one, status
from pestcheck.people import Deed, Person
from pestcheck.records.training import TOPICS
from pestcheck.store.tables import Certificate

router = APIRouter(tags=["review"])


class CertificateGiven(Body):
    """A training that a person had."""

    person: Text = Field(description="who was trained")
    topic: Annotated[str, choice(TOPICS, "what in")]
    given_on: Date = Field(description="valid from this day")
    expires_on: Date = Field(description="valid to the end of this day")
    reference: Text = Field(default="", description="number of the certificate")


class Withdrawal(Body):
    """Why a certificate counts no more."""

    reason: Text


class Certificates(BaseModel):
    """The newest first."""

    certificates: list[Certificate]


@router.get("/certificates", summary="List training certificates")
def certificates(
    records: Here,
    who: Annotated[Person, allowed(Deed.see)],
    name: Annotated[str | None, Query(max_length=200, description="of one person; none: of all")] = None,
) -> Certificates:
    return Certificates(certificates=records.certificates(name))


@router.put("/certificates/{certificate_id}", summary="Record a training", responses=made(Certificate, "certificate"))
def certify(
    certificate_id: Annotated[str, an_id("certificate")],
    body: CertificateGiven,
    response: Response,
    records: Here,
    who: Annotated[Person, allowed(Deed.review)],
) -> Certificate:
    known = any(certificate.id == certificate_id for certificate in records.certificates())
    records.certify(**body.model_dump(), actor=who.name, certificate_id=certificate_id)
    status(response, new=not known)
    certificate: Certificate = one(records.certificates(), certificate_id, "certificate")
    return certificate


@router.put("/certificates/{certificate_id}/withdrawal", summary="Withdraw a certificate")
def withdraw(
    certificate_id: Annotated[str, Path(pattern=ID, description="id of the certificate", examples=[AN_ID])],
    body: Withdrawal,
    records: Here,
    who: Annotated[Person, allowed(Deed.review)],
) -> Certificate:
    records.withdraw_certificate(certificate_id, reason=body.reason, actor=who.name)
    certificate: Certificate = one(records.certificates(), certificate_id, "certificate")
    return certificate
